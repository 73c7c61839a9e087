//! One fuzzer: the target of its own name.

#![no_main]
#![expect(
    dead_code,
    reason = "the readers of pages hold more than the targets ask for"
)]

#[path = "../it/status_page/markup.rs"]
mod markup;
#[path = "../it/exposition/page.rs"]
mod page;
#[path = "../it/fuzz/targets/mod.rs"]
mod targets;

/// Where the targets look for the readers of pages.
mod exposition {
    pub(crate) use crate::page;
}
mod status_page {
    pub(crate) use crate::markup;
}

libfuzzer_sys::fuzz_target!(
    init: {
        let known = targets::TARGETS.iter();
        let own = known.clone().find(|target| target.name == env!("CARGO_BIN_NAME"));
        TARGET.set(own.expect("a target of this name").run).expect("the first");
    },
    |input: &[u8]| {
        (TARGET.get().expect("it was set"))(input);
    }
);

static TARGET: std::sync::OnceLock<fn(&[u8])> = std::sync::OnceLock::new();
