use super::*;

/// [`Cache`] writes first the registries' families and then the others.
#[test]
fn the_families_of_registries_stand_before_all_others() {
    let mut own = families().skip_while(|family| family.of_registries());
    assert!(own.all(|family| !family.of_registries()));
}

#[test]
fn a_page_that_could_not_be_made_spoils_none_after_it() {
    let cache = Cache::new();
    let panicking = || {
        cache.page(
            || panic!("hunter2"),
            Format::Text,
            Coding::Gzip,
            Instant::now(),
        )
    };
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(panicking));
    assert!(caught.is_err());
    cache.forget_unasked(Instant::now());
    assert!(cache.forms.is_poisoned());
}
