//! Pages that are kept are the pages that are made anew, whatever happens between.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Read as _,
    sync::Arc,
    time::{Duration, SystemTime},
};

use bytes::{Buf as _, Bytes};
use flate2::bufread::GzDecoder;
use oci_registry_exporter::{
    config::Config,
    exposition::{Cache, Coding, Format, Page, Process, Scope, View, encode},
    outcome::{Capability, CheckName, Fact, Observation, Outcome, Reason, Subject},
    store::Store,
};
use proptest::prelude::*;
use tokio::time::Instant;

use super::scenario;

/// A daemon's state without a daemon.
struct State {
    store: Store,
    config: Arc<Config>,
    scheduled: Arc<BTreeSet<Subject>>,
    next_runs: Arc<BTreeMap<Subject, SystemTime>>,
    /// Counts up, for what is another one each time.
    now: u64,
}

/// Something that happens to it.
#[derive(Debug, Clone)]
enum Event {
    /// A check of the registry reports.
    Report(usize, CheckName, bool),
    /// A cycle of the registry has seen something.
    Seen(usize),
    /// A check of the registry is due at another time.
    Moved(usize),
    /// Other registries are configured, with this label.
    Loaded(Vec<usize>, u8),
    /// All are gone.
    Emptied,
    /// The registry is another one.
    Forgotten(usize),
    /// Other buckets.
    Rebucketed(bool),
    /// A scrape in another form than those that are compared.
    Scraped(Format, Coding),
}

impl State {
    fn new(registries: &[usize]) -> Self {
        let mut state = Self {
            store: Store::new(&scenario::BUCKETS),
            config: Arc::new(scenario::config(Vec::new())),
            scheduled: Arc::default(),
            next_runs: Arc::default(),
            now: 0,
        };
        state.load(registries, 0);
        state
    }

    fn load(&mut self, registries: &[usize], label: u8) {
        let buckets = self.config.histogram_buckets.clone();
        let targets = registries.iter().map(|registry| {
            let repositories = vec![scenario::repository(scenario::CANARY, "team")];
            let mut target = scenario::target(&name(*registry), "https://r.example", repositories);
            if label > 0 {
                target.labels = [("tier".to_owned(), label.to_string())].into();
            }
            target
        });
        let mut config = scenario::config(targets.collect());
        config.histogram_buckets = buckets;
        // Some are asked nothing.
        let asked = config
            .registries
            .iter()
            .filter(|target| !target.name.ends_with('1'));
        let subjects = asked.flat_map(|target| {
            let subject = |check| subject(&target.name, check);
            [CheckName::Credentials, CheckName::Pull, CheckName::Push].map(subject)
        });
        let scheduled: BTreeSet<_> = subjects.collect();
        self.store.retain(&scheduled);
        let next_runs = scheduled.iter().zip(1..).map(|(subject, n)| {
            let known = self.next_runs.get(subject).copied();
            (subject.clone(), known.unwrap_or(scenario::at(n)))
        });
        self.next_runs = Arc::new(next_runs.collect());
        self.scheduled = Arc::new(scheduled);
        self.config = Arc::new(config);
    }

    fn happens(&mut self, cache: &Cache, event: &Event) {
        self.now += 1;
        match event {
            Event::Report(registry, check, good) => self.report(*registry, *check, *good),
            Event::Seen(registry) => {
                let seen = Observation {
                    warnings: self.now % 2,
                    ..scenario::production_seen()
                };
                let at = scenario::at(self.now);
                self.store.observe_at(&name(*registry), seen, at);
            }
            Event::Moved(registry) => {
                let key = subject(&name(*registry), CheckName::Pull);
                if let Some(next) = Arc::make_mut(&mut self.next_runs).get_mut(&key) {
                    *next += Duration::from_mins(1);
                }
            }
            Event::Loaded(registries, label) => self.load(registries, *label),
            Event::Emptied => self.load(&[], 0),
            Event::Forgotten(registry) => self.store.forget(&name(*registry)),
            Event::Rebucketed(few) => {
                let buckets = if *few { vec![1.0] } else { vec![] };
                self.store.rebucket(&buckets);
                let mut config = Config::clone(&self.config);
                config.histogram_buckets = buckets;
                self.config = Arc::new(config);
            }
            Event::Scraped(format, coding) => {
                read(self.page(cache, *format, *coding));
            }
        }
    }

    fn report(&mut self, registry: usize, check: CheckName, good: bool) {
        let outcome = if good {
            Outcome::pass("").proving(Fact::Capability(
                Capability::ReferrersApi,
                !self.now.is_multiple_of(3),
            ))
        } else {
            Outcome::fail(Reason::Connect, "refused")
        };
        let mut report = scenario::report(subject(&name(registry), check), outcome, vec![]);
        report.started = scenario::at(self.now);
        self.store.put(report);
    }

    fn view(&self) -> View {
        View {
            config: Arc::clone(&self.config),
            store: self.store.snapshot(),
            scheduled: Arc::clone(&self.scheduled),
            next_runs: Arc::clone(&self.next_runs),
            exporter: scenario::exporter(),
            process: Process {
                // Another number at every event, as a real process has.
                threads: Some(self.now),
                ..Process::default()
            },
            scope: Scope::default(),
        }
    }

    fn page(&self, cache: &Cache, format: Format, coding: Coding) -> Page {
        let page = cache.page(|| self.view(), format, coding, Instant::now());
        page.expect("a view always encodes")
    }
}

/// A page of several hundred registries, and its text.
pub(crate) fn large(coding: Coding) -> (Page, String) {
    let all: Vec<_> = (0..300).collect();
    let (mut state, cache) = (State::new(&all), Cache::new());
    for event in all.into_iter().map(Event::Seen) {
        state.happens(&cache, &event);
    }
    let text = encode(&state.view(), Format::Text).expect("a view always encodes");
    (state.page(&cache, Format::Text, coding), text)
}

/// Not in the order of their numbers, and some with a part of another's name.
fn name(registry: usize) -> String {
    match registry % 3 {
        0 => format!("r{registry}"),
        1 => format!("r{}-\"x\"\n# HELP {registry}", registry / 3),
        _ => format!("{registry}"),
    }
}

fn subject(registry: &str, check: CheckName) -> Subject {
    let repository = (check != CheckName::Credentials).then_some(scenario::CANARY);
    scenario::subject(registry, check, repository, "team")
}

fn read(mut page: Page) -> Bytes {
    page.copy_to_bytes(page.remaining())
}

/// What one member of gzip holds, and nothing behind it.
fn unzipped(bytes: &[u8]) -> String {
    let mut decoder = GzDecoder::new(bytes);
    let mut text = String::new();
    decoder.read_to_string(&mut text).expect("good gzip");
    assert_eq!(decoder.into_inner(), b"", "more than one member");
    text
}

/// In both formats and codings.
fn assert_same(state: &State, cache: &Cache) {
    for format in [Format::OpenMetrics, Format::Text] {
        let anew = encode(&state.view(), format).expect("a view always encodes");
        let kept = read(state.page(cache, format, Coding::Identity));
        assert!(kept == anew, "{}", String::from_utf8_lossy(&kept));
        let kept = read(state.page(cache, format, Coding::Gzip));
        assert!(unzipped(&kept) == anew, "{}", unzipped(&kept));
    }
}

/// Most of what happens happens to few of them.
fn registry() -> impl Strategy<Value = usize> {
    prop_oneof![4 => 0..4_usize, 1 => 0..MOST]
}

fn registries() -> impl Strategy<Value = Vec<usize>> {
    let few = prop::collection::btree_set(registry(), 0..6);
    let many = prop::collection::btree_set(0..MOST, 0..MOST);
    prop_oneof![2 => few, 1 => many].prop_map(|set| set.into_iter().collect())
}

fn event() -> impl Strategy<Value = Event> {
    let check = prop::sample::select(vec![
        CheckName::Credentials,
        CheckName::Pull,
        CheckName::Push,
        CheckName::Referrers,
    ]);
    let format = prop::sample::select(vec![Format::OpenMetrics, Format::Text]);
    let coding = prop::sample::select(vec![Coding::Identity, Coding::Gzip]);
    prop_oneof![
        8 => (registry(), check, any::<bool>())
            .prop_map(|(registry, check, good)| Event::Report(registry, check, good)),
        4 => registry().prop_map(Event::Seen),
        4 => registry().prop_map(Event::Moved),
        2 => (registries(), 0..3_u8).prop_map(|(all, label)| Event::Loaded(all, label)),
        1 => Just(Event::Emptied),
        1 => registry().prop_map(Event::Forgotten),
        1 => any::<bool>().prop_map(Event::Rebucketed),
        4 => (format, coding).prop_map(|(format, coding)| Event::Scraped(format, coding)),
    ]
}

/// More than two groups.
const MOST: usize = 70;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn what_is_kept_is_what_would_be_made_anew(
        first in registries(),
        rounds in prop::collection::vec(prop::collection::vec(event(), 0..6), 1..8),
    ) {
        let (mut state, cache) = (State::new(&first), Cache::new());
        assert_same(&state, &cache);
        for events in rounds {
            for event in events {
                state.happens(&cache, &event);
            }
            assert_same(&state, &cache);
        }
    }
}

#[test]
fn the_golden_page_is_the_same_from_the_cache() {
    let cache = Cache::new();
    for (format, name) in super::FORMATS {
        let page = cache.page(scenario::view, format, Coding::Identity, Instant::now());
        let text = String::from_utf8(read(page.unwrap()).into()).unwrap();
        crate::golden::compare(name, &text);
    }
}

#[test]
fn a_registry_that_is_gone_is_gone_from_the_next_page_also_the_last_one() {
    let (mut state, cache) = (State::new(&[0, 2, 3]), Cache::new());
    for event in [0, 2, 3].map(Event::Seen) {
        state.happens(&cache, &event);
    }
    let shown = |state: &State| {
        let page = read(state.page(&cache, Format::Text, Coding::Gzip));
        let text = unzipped(&page);
        ["r0", "2", "r3"].map(|name| text.contains(&format!("registry=\"{name}\"")))
    };
    assert_eq!(shown(&state), [true, true, true]);
    state.load(&[0, 3], 0);
    assert_eq!(shown(&state), [true, false, true]);
    state.load(&[], 0);
    assert_eq!(shown(&state), [false, false, false]);
    let text = String::from_utf8(read(state.page(&cache, Format::Text, Coding::Identity)).into());
    assert!(!text.unwrap().contains("registry=\""));
}

/// Bytes of a page that lie elsewhere than those of `others`.
fn own_bytes(page: &Page, others: &[Page]) -> usize {
    let known: BTreeSet<_> = others
        .iter()
        .flat_map(Page::parts)
        .map(<[u8]>::as_ptr)
        .collect();
    let own = page.parts().filter(|part| !known.contains(&part.as_ptr()));
    own.map(<[u8]>::len).sum()
}

#[test]
fn pages_share_everything_but_what_changed_between_them() {
    let all: Vec<_> = (0..300).collect();
    let (mut state, cache) = (State::new(&all), Cache::new());
    for registry in 0..300 {
        state.happens(&cache, &Event::Seen(registry));
        for check in [CheckName::Credentials, CheckName::Pull, CheckName::Push] {
            state.happens(&cache, &Event::Report(registry, check, true));
        }
    }
    for coding in [Coding::Identity, Coding::Gzip] {
        let page = || state.page(&cache, Format::OpenMetrics, coding);
        let (first, second) = (page(), page());
        let whole = own_bytes(&first, &[]);
        let unchanged = own_bytes(&second, std::slice::from_ref(&first));
        assert!(unchanged < 8 * 1024, "{coding:?}: {unchanged} of {whole}");
        let mut held = vec![first];
        for registry in 0..40 {
            state.happens(&cache, &Event::Report(registry, CheckName::Pull, false));
            let page = state.page(&cache, Format::OpenMetrics, coding);
            let own = own_bytes(&page, &held);
            assert!(own > unchanged, "{coding:?}: the change is not on the page");
            assert!(own < 64 * 1024, "{coding:?}: {own} of {whole}");
            held.push(page);
        }
        // What was held is still what it was.
        let old = read(held.swap_remove(0));
        assert_ne!(old, read(held.swap_remove(0)));
    }
}

#[test]
fn a_change_that_shows_nowhere_makes_nothing_new() {
    let (mut state, cache) = (State::new(&[0, 1, 2]), Cache::new());
    let page = |state: &State| state.page(&cache, Format::Text, Coding::Identity);
    let first = page(&state);
    // The same configuration, read again: every pointer is another one.
    state.load(&[0, 1, 2], 0);
    let own = own_bytes(&page(&state), std::slice::from_ref(&first));
    assert_eq!(
        own,
        first.parts().nth(1).map_or(0, <[u8]>::len),
        "the last part alone"
    );
}

#[test]
fn a_form_that_nobody_asks_for_any_more_is_dropped() {
    let (state, cache) = (State::new(&[0, 1, 2]), Cache::new());
    let began = Instant::now();
    let at = |minutes| began + Duration::from_mins(minutes);
    let ask = |format, coding, minutes| {
        let page = cache.page(|| state.view(), format, coding, at(minutes));
        page.unwrap()
    };
    let text = ask(Format::Text, Coding::Identity, 0);
    let small = ask(Format::OpenMetrics, Coding::Gzip, 0);
    let kept = |page: &Page, format, coding, minutes| {
        let rows = page.parts().count() - 1;
        let again = ask(format, coding, minutes);
        let old: BTreeSet<_> = page.parts().map(<[u8]>::as_ptr).collect();
        again
            .parts()
            .filter(|part| old.contains(&part.as_ptr()))
            .count()
            >= rows
    };
    // OpenMetrics is asked for, and so is kept; its gzip is not.
    ask(Format::OpenMetrics, Coding::Identity, 9);
    assert!(kept(&small, Format::OpenMetrics, Coding::Gzip, 10));
    ask(Format::OpenMetrics, Coding::Identity, 19);
    assert!(!kept(&text, Format::Text, Coding::Identity, 19));
    ask(Format::OpenMetrics, Coding::Identity, 21);
    assert!(!kept(&small, Format::OpenMetrics, Coding::Gzip, 21));
    let plain = ask(Format::OpenMetrics, Coding::Identity, 22);
    cache.forget_unasked(at(32));
    assert!(kept(&plain, Format::OpenMetrics, Coding::Identity, 32));
    cache.forget_unasked(at(43));
    assert!(!kept(&plain, Format::OpenMetrics, Coding::Identity, 43));
}
