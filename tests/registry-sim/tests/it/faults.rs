//! Scripted trouble as a client meets it.

use std::time::Duration;

use registry_sim::{Action, Entrance, Fault, Operation, Profile, RegistrySim};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::client::{client, request, send};

async fn plain() -> RegistrySim {
    RegistrySim::profile(Profile::PLAIN).start().await
}

/// One HTTP/1.1 request on a bare socket, and everything that comes until the
/// other side closes.
async fn bare(sim: &RegistrySim) -> String {
    let mut socket = TcpStream::connect(("127.0.0.1", sim.port())).await.unwrap();
    socket
        .write_all(b"GET /v2/ HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    let mut bytes = Vec::new();
    // A reset is an end too.
    let _ = socket.read_to_end(&mut bytes).await;
    String::from_utf8_lossy(&bytes).into_owned()
}

#[tokio::test]
async fn too_many_requests_twice_and_then_well_again() {
    let sim = plain().await;
    sim.fault(
        Fault::on(Operation::Ping)
            .times(2)
            .too_many_requests(Some("7")),
    );
    for _ in 0..2 {
        let answer = send(&sim, "GET /v2/", None).await;
        assert_eq!(answer.verdict(), (429, "TOOMANYREQUESTS".to_owned()));
        assert_eq!(answer.header("retry-after"), "7");
    }
    assert_eq!(send(&sim, "GET /v2/", None).await.status, 200);
    let statuses: Vec<Option<u16>> = sim
        .take_requests()
        .iter()
        .map(|logged| logged.status)
        .collect();
    assert_eq!(statuses, [Some(429), Some(429), Some(200)]);
    assert!(sim.requests().is_empty());
    assert_eq!((sim.count(Operation::Ping), sim.total_requests()), (3, 3));
}

#[tokio::test]
async fn the_first_rule_that_is_not_spent_acts() {
    let sim = plain().await;
    sim.fault(Fault::path("/manifests/").once().status(503));
    sim.fault(Fault::any().html(200));
    let line = "GET /v2/team/app/manifests/latest";
    assert_eq!(send(&sim, line, None).await.status, 503);
    assert!(send(&sim, line, None).await.body.contains("<form"));
    sim.clear_faults();
    assert_eq!(send(&sim, line, None).await.status, 404);
}

#[tokio::test]
async fn a_hanging_request_is_seen_and_has_no_status() {
    let sim = plain().await;
    sim.fault(Fault::on(Operation::Ping).hang());
    let asking = tokio::spawn(request(&sim, "GET /v2/").send());
    sim.requests_arrived(1).await;
    assert_eq!(sim.requests()[0].status, None);
    assert!(!asking.is_finished());
    sim.shutdown().await;
    assert!(
        asking.await.unwrap().is_err(),
        "the end of the simulator ends the request"
    );
}

#[tokio::test]
async fn a_connection_is_closed_without_an_answer() {
    let sim = plain().await;
    sim.fault(Fault::any().close());
    assert_eq!(bare(&sim).await, "");
    assert_eq!(sim.requests()[0].status, None);
}

#[tokio::test]
async fn garbage_comes_in_place_of_http() {
    let sim = plain().await;
    sim.fault(Fault::any().then(Action::Garbage(b"\x16\x03 SSH-2.0".to_vec())));
    assert_eq!(bare(&sim).await, "\u{16}\u{3} SSH-2.0");
    let error = request(&sim, "GET /v2/").send().await.unwrap_err();
    assert!(error.is_request(), "{error:?}");
}

#[tokio::test]
async fn a_body_ends_before_its_length() {
    let sim = plain().await;
    sim.fault(Fault::any().then(Action::Truncated));
    let answer = request(&sim, "GET /v2/").send().await.unwrap();
    assert_eq!(answer.headers()["content-length"], "1000");
    assert!(answer.bytes().await.is_err());
    let raw = bare(&sim).await;
    assert!(raw.ends_with("{\"errors\":"), "{raw}");
}

#[tokio::test]
async fn a_body_without_end_is_read_as_far_as_one_likes() {
    let sim = plain().await;
    sim.fault(Fault::any().then(Action::Endless));
    let mut answer = request(&sim, "GET /v2/").send().await.unwrap();
    let mut read = 0;
    while read < 1 << 20 {
        read += answer.chunk().await.unwrap().unwrap().len();
    }
}

#[tokio::test]
async fn a_body_drips() {
    let sim = plain().await;
    let body = b"ab".to_vec();
    sim.fault(Fault::any().then(Action::Drip {
        every: Duration::from_millis(1),
        body,
    }));
    let mut answer = request(&sim, "GET /v2/").send().await.unwrap();
    let mut text = Vec::new();
    while text.len() < 5 {
        text.extend_from_slice(&answer.chunk().await.unwrap().unwrap());
    }
    assert!(text.starts_with(b"ababa"), "{text:?}");
}

#[tokio::test]
async fn a_body_stalls_after_its_first_part() {
    let sim = plain().await;
    sim.fault(Fault::any().then(Action::Stall));
    let mut answer = request(&sim, "GET /v2/").send().await.unwrap();
    assert_eq!(answer.chunk().await.unwrap().unwrap(), "{\"errors\":");
    let rest = tokio::spawn(async move { answer.chunk().await });
    sim.shutdown().await;
    assert!(rest.await.unwrap().is_err());
}

#[tokio::test]
async fn the_entrance_can_be_closed_and_silent() {
    let sim = plain().await;
    sim.set_entrance(Entrance::Closed);
    assert_eq!(bare(&sim).await, "");
    sim.set_entrance(Entrance::Silent);
    let _socket = TcpStream::connect(("127.0.0.1", sim.port())).await.unwrap();
    sim.set_entrance(Entrance::Open);
    assert_eq!(send(&sim, "GET /v2/", None).await.status, 200);
    assert_eq!((sim.connections(), sim.total_requests()), (3, 1));
}

#[tokio::test]
async fn connections_are_counted_and_end_with_the_simulator() {
    let sim = plain().await;
    let client = client(&sim);
    for _ in 0..3 {
        client
            .get(format!("{}/v2/", sim.url()))
            .send()
            .await
            .unwrap()
            .bytes()
            .await
            .unwrap();
    }
    assert_eq!((sim.connections(), sim.open_connections()), (1, 1));
    assert!(sim.requests().iter().all(|logged| logged.connection == 1));
    drop(client);
    sim.until(|sim| sim.open_connections() == 0).await;

    let client = self::client(&sim);
    let url = sim.url();
    sim.shutdown().await;
    let error = client.get(url).send().await.unwrap_err();
    assert!(error.is_connect(), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn a_slow_registry_answers_as_it_does_and_later() {
    let sim = plain().await;
    sim.push_image("team/app", "latest");
    sim.fault(Fault::on(Operation::ManifestHead).slow(Duration::from_secs(5)));
    let began = tokio::time::Instant::now();
    let answer = send(&sim, "HEAD /v2/team/app/manifests/latest", None).await;
    assert_eq!(answer.status, 200);
    assert!(began.elapsed() >= Duration::from_secs(5));
}
