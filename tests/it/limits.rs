//! Rate limits as knowledge: what a registry tells of them is shown, what is little is
//! left to others, and the two limits of Docker Hub are told apart.

use std::time::Duration;

use oci_registry_exporter::{
    oci::RateLimit,
    outcome::{CheckName, Reason},
};
use registry_sim::{Fault, Operation, Profile, RegistrySim, Scheme};

use crate::{
    asked::{Asked, READS},
    schedule::simulation::Simulation,
};

const IMAGE: &str = "test_repository: team/app";

async fn open() -> RegistrySim {
    let sim = RegistrySim::profile(Profile::NATIVE)
        .auth(Scheme::None)
        .start()
        .await;
    sim.push_image("team/app", "latest");
    sim
}

/// Docker Hub's, with so many pulls left of 100.
async fn hub(left: u32) -> RegistrySim {
    let sim = RegistrySim::profile(Profile::DOCKER_HUB)
        .anonymous([("team/app", "pull")])
        .start()
        .await;
    sim.push_image("team/app", "latest");
    sim.set_pulls_left(left);
    sim
}

#[tokio::test]
async fn a_limit_is_shown_where_the_registry_tells_it_and_absent_where_not() {
    let limit = |limit, remaining, window_seconds| RateLimit {
        limit,
        remaining,
        window_seconds,
    };
    let head = |headers: &[(&str, &str)]| {
        let fault = Fault::on(Operation::ManifestHead).status(404);
        headers
            .iter()
            .fold(fault, |fault, (name, value)| fault.header(name, value))
    };
    for (fault, told) in [
        (
            head(&[
                ("ratelimit-limit", "100;w=21600"),
                ("ratelimit-remaining", "76;w=21600"),
            ]),
            Some(limit(Some(100), Some(76), Some(21600))),
        ),
        (
            head(&[("x-ms-ratelimit-remaining-calls-per-second", "166.65")]),
            Some(limit(None, Some(166), Some(1))),
        ),
        (
            head(&[("x-ratelimit-remaining", "43000")]),
            Some(limit(None, Some(43000), None)),
        ),
        // Also an answer that is none; GHCR says it in words.
        (
            Fault::on(Operation::Referrers)
                .status(429)
                .error("TOOMANYREQUESTS", "retry-after: 20m, allowed: 44000/minute"),
            Some(limit(Some(44000), None, Some(60))),
        ),
        (head(&[]), None),
    ] {
        let sim = open().await;
        sim.fault(fault);
        // With one try a 429 is final at once.
        let asked = Asked::sim(&sim, &format!("{IMAGE}\nretry: {{attempts: 1}}"));
        let seen = asked.reads().await.observation();
        let expected: Vec<_> = told
            .into_iter()
            .map(|it| ("anonymous".to_owned(), it))
            .collect();
        assert_eq!(seen.rate_limits, expected);
    }
}

/// With less than a tenth left, pull and referrers are asked at most once in
/// `retry_after_max` (15m) each, whatever their intervals; credentials go on. Every
/// report is an answer, so no fact is doubted.
#[tokio::test(start_paused = true)]
async fn little_that_is_left_is_left_to_others() {
    let hours = Duration::from_hours(6);
    for (left, reserve, pulls, referrers) in [
        // Every 5 and 30 minutes, or every 15.
        (10, "", 73, 13),
        (9, "", 25, 13),
        (9, "\n    rate_limit_reserve: 5", 73, 13),
        (0, "\n    rate_limit_reserve: 0", 73, 13),
    ] {
        let sim = hub(left).await;
        let days = Simulation::of(&format!(
            "registries:\n  - name: hub\n    url: {}\n    test_repository: team/app{reserve}\n",
            sim.url()
        ));
        days.until(hours, &[&sim], |_| {}).await;
        let of = |check| days.diary.of("hub", check);
        assert_eq!(of(CheckName::Credentials).len(), 73, "{left} {reserve}");
        assert_eq!(of(CheckName::Pull).len(), pulls, "{left} {reserve}");
        assert_eq!(
            of(CheckName::Referrers).len(),
            referrers,
            "{left} {reserve}"
        );
        assert!(of(CheckName::Pull).iter().all(|(_, said)| said == "pass"));
        days.end().await;
    }
}

/// Nothing else would show why it is asked less often.
#[tokio::test]
async fn the_report_says_that_the_rest_is_left_to_others() {
    for (left, told) in [(9, true), (10, false)] {
        let sim = hub(left).await;
        let cycle = Asked::sim(&sim, IMAGE).cycle(&READS).await;
        for report in cycle.reports() {
            let spared = told && report.subject.check != CheckName::Credentials;
            let hints = &report.outcome.hints;
            assert_eq!(hints.len(), usize::from(spared), "{hints:?}");
            let begin =
                "9 of 100 requests are left in the registry's limit, less than the reserve of 10 %";
            assert!(
                hints.iter().all(|hint| hint.starts_with(begin)),
                "{hints:?}"
            );
        }
    }
}

/// The pull limit lasts until its window ends, the other one is waited out by backoff.
#[tokio::test(start_paused = true)]
async fn the_two_limits_of_docker_hub_are_told_apart() {
    let pulls = Fault::on(Operation::ManifestHead)
        .status(429)
        .header("ratelimit-limit", "100;w=21600")
        .header("ratelimit-remaining", "0;w=21600");
    let short = Fault::on(Operation::ManifestHead)
        .status(429)
        .header("ratelimit-remaining", "0;w=120");
    let abuse = Fault::on(Operation::ManifestHead).status(429);
    for (fault, tries, message, pause) in [
        (
            pulls,
            1,
            "The pull limit of 100 of 127.0.0.1 is used up; asking again after 900s",
            900,
        ),
        (
            short,
            1,
            "The pull limit of 127.0.0.1 is used up; asking again after 120s",
            120,
        ),
        (
            abuse,
            4,
            "127.0.0.1 limits the rate of all requests, not only of pulls; asking again after ",
            30,
        ),
    ] {
        let sim = hub(100).await;
        sim.fault(fault);
        let cycle = Asked::sim(&sim, &format!("{IMAGE}\nproduct: docker-hub"))
            .cycle(&[CheckName::Pull])
            .await;
        let outcome = cycle.outcome(CheckName::Pull);
        assert_eq!(outcome.reason, Some(Reason::RateLimited));
        assert!(outcome.message.starts_with(message), "{}", outcome.message);
        assert_eq!(sim.count(Operation::ManifestHead), tries, "{message}");
        let left = cycle.observation().backoff_until.expect("a pause");
        let left = left
            .duration_since(std::time::SystemTime::now())
            .unwrap_or_default();
        assert!(left <= Duration::from_secs(pause), "{message} {left:?}");
        let hint = "Known issue of Docker Hub: ";
        assert!(
            outcome.hints.iter().any(|it| it.starts_with(hint)),
            "{:?}",
            outcome.hints
        );
    }
}
