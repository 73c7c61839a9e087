//! Every fault of the list: what a broken, hostile or overloaded server does to a request.

use std::{
    fmt::{self, Write as _},
    io::Write as _,
    sync::LazyLock,
    time::Duration,
};

use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use registry_sim::{Action, Entrance, Http2, Raw, RawEnd, RegistrySim, TlsFlaw};

/// One fault.
#[derive(Clone)]
pub(super) struct Torture {
    pub(super) name: String,
    pub(super) way: Way,
    /// It says nothing of what is asked: no proven fact may become another by it.
    pub(super) transient: bool,
    /// The registry does what was asked first, and only its answer is replaced.
    pub(super) after: bool,
    /// It is there again for every further request of that kind, in place of once.
    pub(super) stays: bool,
}

/// Where a fault acts.
#[derive(Clone)]
pub(super) enum Way {
    /// In place of the answer.
    Answer(Action),
    /// On the connection that the request has to open, and on every later one.
    Connection(Entrance),
}

impl Torture {
    fn new(name: impl Into<String>, way: Way) -> Self {
        Self {
            name: name.into(),
            way,
            transient: true,
            after: false,
            stays: false,
        }
    }

    fn answer(name: impl Into<String>, action: Action) -> Self {
        Self::new(name, Way::Answer(action))
    }

    fn raw(name: &str, raw: Raw) -> Self {
        Self::answer(name, Action::Raw(raw))
    }

    /// An answer that says something, so that it may prove something.
    fn telling(mut self) -> Self {
        self.transient = false;
        self
    }

    fn done(mut self) -> Self {
        self.name = format!("{} (done)", self.name);
        self.after = true;
        self
    }

    /// The same, again and again.
    fn staying(&self) -> Self {
        Self {
            name: format!("{}*", self.name),
            stays: true,
            ..self.clone()
        }
    }
}

impl fmt::Debug for Torture {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.name)
    }
}

/// Everything that can be done to a registry that speaks plain HTTP. `thief` is another
/// origin that must not learn anything.
pub(super) fn plain(own: &RegistrySim, thief: &RegistrySim) -> Vec<Torture> {
    let mut faults = connections();
    faults.extend(broken_off());
    faults.extend(endless());
    faults.extend(garbage());
    faults.extend(statuses());
    faults.extend(refusals());
    faults.extend(redirects(own, thief));
    faults.extend(realms(own, thief));
    faults.extend(limits());
    faults.extend(bodies());
    faults
}

/// What can only be done over HTTP/2.
pub(super) fn http2(thief: &RegistrySim) -> Vec<Torture> {
    let fault = |name: &str, fault| Torture::answer(name, Action::Http2(fault));
    let mut faults = vec![
        fault("h2 goaway", Http2::GoAway),
        fault("h2 rst", Http2::Reset),
        fault("h2 empty data", Http2::EmptyData).telling(),
        fault("h2 pings", Http2::Pings),
        fault("h2 dead", Http2::Dead),
        fault("h2 continuations", Http2::Continuations),
        Torture::answer("h2 endless body", Action::Endless).telling(),
        Torture::answer("h2 truncated", Action::Truncated).telling(),
        Torture::answer("h2 hang", Action::Hang),
    ];
    faults.push(redirect("downgrade", 307, &thief.url()).telling());
    faults
}

/// What can only be done in a TLS handshake.
pub(super) fn handshakes() -> Vec<Torture> {
    let flaw = |name: &str, flaw| {
        Torture::new(
            format!("tls {name}"),
            Way::Connection(Entrance::Flawed(flaw)),
        )
    };
    let says = |name: &str, words| Torture::new(name, Way::Connection(Entrance::Says(words)));
    vec![
        flaw("expired", TlsFlaw::Expired),
        flaw("not yet valid", TlsFlaw::NotYetValid),
        flaw("wrong name", TlsFlaw::WrongName),
        flaw("unknown ca", TlsFlaw::UnknownCa),
        flaw("self-signed", TlsFlaw::SelfSigned),
        flaw("client certificate", TlsFlaw::ClientCertificate),
        // A fatal alert: `protocol_version`, as a server says it that only knows older ones.
        says("tls no common version", b"\x15\x03\x01\x00\x02\x02\x46"),
        says("tls plain http", b"HTTP/1.1 400 Bad Request\r\n\r\n"),
        Torture::new("tls silence", Way::Connection(Entrance::Silent)),
        Torture::new("tls closed", Way::Connection(Entrance::Closed)),
    ]
}

fn connections() -> Vec<Torture> {
    let connection = |name: &str, entrance| Torture::new(name, Way::Connection(entrance));
    vec![
        connection("refused", Entrance::Refused),
        connection("accepted and closed", Entrance::Closed),
        connection("accepted and reset", Entrance::Reset),
        connection("accepted and silent", Entrance::Silent),
        Torture::answer("gone", Action::Gone),
    ]
}

/// Connections that end, or stand still, too early.
fn broken_off() -> Vec<Torture> {
    let raw = Torture::raw;
    let reset = raw("reset", Raw::new("").end(RawEnd::Reset));
    let hang = Torture::answer("hang", Action::Hang);
    vec![
        reset.staying(),
        reset.clone().done(),
        reset,
        raw("closed", Raw::new("")).staying(),
        raw("closed", Raw::new("")),
        raw("reset in head", Raw::new(HALF_HEAD).end(RawEnd::Reset)),
        raw("closed in head", Raw::new(HALF_HEAD)),
        raw("reset in body", Raw::new(HALF_BODY).end(RawEnd::Reset)).telling(),
        hang.clone().done(),
        hang,
        raw("hang in head", Raw::new(HALF_HEAD).end(RawEnd::Hang)),
        Torture::answer("hang in body", Action::Stall),
        Torture::answer("truncated", Action::Truncated).telling(),
        raw(
            "truncated chunks",
            Raw::new("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n01234\r\nzz"),
        )
        .telling(),
    ]
}

/// Answers that are slow, huge, or have no end.
fn endless() -> Vec<Torture> {
    let (often, at_once) = (Duration::from_millis(200), Duration::ZERO);
    let raw = |name: &str, first: &'static str, again: &'static str, every| {
        Torture::raw(name, Raw::new(first).again(again, every))
    };
    let drip = Action::Drip {
        every: often,
        body: b"{".to_vec(),
    };
    let coded = [
        ("content-type", "application/json"),
        ("content-encoding", "gzip"),
    ];
    let bomb = Action::Answer {
        status: 200,
        headers: headers(&coded),
        body: BOMB.to_vec(),
    };
    let early = "HTTP/1.1 103 Early Hints\r\nlink: <x>\r\n\r\n";
    vec![
        raw("drip head", HALF_HEAD, "b", often),
        Torture::answer("drip body", drip),
        Torture::answer("endless body", Action::Endless).telling(),
        raw("endless head", "HTTP/1.1 200 OK\r\n", "a: b\r\n", at_once),
        Torture::raw("huge header", Raw::new(HUGE_HEADER.clone())),
        Torture::raw("many headers", Raw::new(MANY_HEADERS.clone())),
        raw("100s", "", "HTTP/1.1 100 Continue\r\n\r\n", at_once),
        raw("103s", "", early, often),
        Torture::answer("gzip bomb", bomb).telling(),
    ]
}

/// What is no HTTP.
fn garbage() -> Vec<Torture> {
    let raw = |name: &str, words: &'static [u8]| Torture::raw(name, Raw::new(words));
    let garbage = raw("garbage", b"\x00\xff\x16\x03\x01\x02\x00 \r\n\r\n\r\n");
    let lengths = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 7\r\n\r\n0123456";
    vec![
        garbage.clone().done(),
        garbage,
        raw("banner", b"SSH-2.0-OpenSSH_9.2\r\n"),
        raw("two lengths", lengths),
        raw("nul in header", b"HTTP/1.1 200 OK\r\na: \0\r\n\r\n"),
        raw("http/3.0", b"HTTP/3.0 200 OK\r\n\r\n"),
    ]
}

fn statuses() -> Vec<Torture> {
    let mut faults: Vec<Torture> = STATUSES
        .iter()
        .map(|status| {
            let said = format!("HTTP/1.1 {status} X\r\nContent-Length: 0\r\n\r\n");
            let fault = Torture::raw(&status.to_string(), Raw::new(said));
            // 501 says that something is not there; the others say nothing of it.
            if *status >= 500 && *status != 501 {
                fault
            } else {
                fault.telling()
            }
        })
        .collect();
    let staying: Vec<Torture> = faults
        .iter()
        .filter(|fault| ["500", "502", "503", "504"].contains(&fault.name.as_str()))
        .map(Torture::staying)
        .collect();
    faults.extend(staying);
    let html = |status: u16| {
        let action = said(
            status,
            &[("content-type", "text/html")],
            "<html><body>Sign in</body></html>",
        );
        Torture::answer(format!("html {status}"), action)
    };
    // Behind a captive portal the ping is no registry's either; here it still is.
    faults.extend([
        html(200).telling(),
        html(502),
        html(404).telling(),
        html(403).telling(),
    ]);
    faults
}

fn refusals() -> Vec<Torture> {
    [
        (401, "UNAUTHORIZED"),
        (403, "DENIED"),
        (404, "NAME_UNKNOWN"),
        (404, "MANIFEST_UNKNOWN"),
        (404, "BLOB_UPLOAD_UNKNOWN"),
        (405, "UNSUPPORTED"),
        (400, "UNSUPPORTED"),
        (500, "UNKNOWN"),
    ]
    .into_iter()
    .map(|(status, code)| {
        let body = format!(r#"{{"errors":[{{"code":"{code}","message":"no"}}]}}"#);
        let action = said(status, &[("content-type", "application/json")], &body);
        let fault = Torture::answer(format!("{status} {code}"), action);
        if status >= 500 {
            fault
        } else {
            fault.telling()
        }
    })
    .collect()
}

fn redirect(name: &str, status: u16, location: &str) -> Torture {
    let action = said(status, &[("location", location)], "");
    Torture::answer(format!("{status} {name}"), action)
}

fn redirects(own: &RegistrySim, thief: &RegistrySim) -> Vec<Torture> {
    let stolen = format!("{}/v2/stolen", thief.url());
    let mapped = format!("http://[::ffff:127.0.0.2]:{}/", thief.port());
    let decimal = format!("http://2130706434:{}/", thief.port());
    let userinfo = format!("http://a:b@127.0.0.2:{}/", thief.port());
    let same = "/v2/team/app/manifests/latest";
    vec![
        redirect("loop", 302, same),
        redirect("loop", 302, same).staying(),
        redirect("without place", 301, ""),
        redirect("elsewhere", 301, &stolen),
        redirect("elsewhere", 303, &stolen),
        redirect("elsewhere", 307, &stolen),
        redirect("elsewhere", 308, &stolen),
        redirect("elsewhere", 307, &stolen).staying(),
        redirect("metadata", 307, "http://169.254.169.254/latest/meta-data/"),
        redirect("file", 307, "file:///etc/passwd"),
        redirect("mapped", 307, &mapped),
        redirect("decimal", 307, &decimal),
        redirect("userinfo", 307, &userinfo),
        redirect("back", 307, &format!("{}/v2/", own.url())),
        redirect("place elsewhere", 202, &stolen),
        redirect("place elsewhere", 202, &stolen).done(),
        redirect("place file", 202, "file:///etc/passwd"),
        redirect("place nowhere", 202, "http://[::1"),
        redirect("place above", 202, "../../../../../etc/passwd"),
    ]
    .into_iter()
    .map(Torture::telling)
    .collect()
}

fn realms(own: &RegistrySim, thief: &RegistrySim) -> Vec<Torture> {
    let port = thief.port();
    [
        ("elsewhere", format!("{}/token", thief.url())),
        ("metadata", "https://169.254.169.254/token".to_owned()),
        ("file", "file:///etc/passwd".to_owned()),
        (
            "userinfo",
            format!("http://127.0.0.1@127.0.0.2:{port}/token"),
        ),
        ("mapped", format!("http://[::ffff:127.0.0.2]:{port}/token")),
        ("decimal", format!("http://2130706434:{port}/token")),
        ("nothing", String::new()),
        ("own", own.token_url()),
    ]
    .into_iter()
    .map(|(name, realm)| {
        let challenge = format!("Bearer realm=\"{realm}\",service=\"s\"");
        let action = said(401, &[("www-authenticate", &challenge)], "");
        Torture::answer(format!("401 realm {name}"), action).telling()
    })
    .collect()
}

fn limits() -> Vec<Torture> {
    let error = r#"{"errors":[{"code":"TOOMANYREQUESTS","message":"slow down"}]}"#;
    let limited = |status: u16, name: &str, after: &str| {
        let mut headers = vec![("content-type", "application/json")];
        if !after.is_empty() {
            headers.push(("retry-after", after));
        }
        let body = if status == 503 { "" } else { error };
        Torture::answer(format!("{status} {name}"), said(status, &headers, body))
    };
    let mut faults = vec![
        limited(429, "at once", ""),
        limited(429, "0", "0"),
        limited(429, "1", "1"),
        limited(429, "3600", "3600"),
        limited(429, "past", "Wed, 21 Oct 2015 07:28:00 GMT"),
        limited(429, "future", "Wed, 21 Oct 2099 07:28:00 GMT"),
        limited(429, "-1", "-1"),
        limited(429, "10^20", "100000000000000000000"),
        limited(
            429,
            "words",
            "soon, maybe \u{7f}".trim_end_matches('\u{7f}'),
        ),
        limited(429, "1.5", "1.5"),
        limited(503, "after 3600", "3600"),
        limited(200, "toomanyrequests", "").telling(),
        limited(403, "toomanyrequests", ""),
    ];
    let staying = faults
        .iter()
        .filter(|fault| STAYING_LIMITS.contains(&fault.name.as_str()));
    let staying: Vec<Torture> = staying.map(Torture::staying).collect();
    faults.extend(staying);
    faults
}

fn bodies() -> Vec<Torture> {
    let deep = "[".repeat(20_000);
    [
        ("invalid", "{\"token\":"),
        ("deep", &deep),
        ("a list", "[]"),
        ("null", "null"),
        ("nothing", ""),
        ("an object", "{}"),
        ("null token", r#"{"token":null,"access_token":null}"#),
        ("empty token", r#"{"token":"","access_token":""}"#),
        ("a token with lines", r#"{"token":"a\r\nx: y"}"#),
        ("tokens twice", r#"{"token":"a","token":"b"}"#),
        (
            "wrong shapes",
            r#"{"token":7,"errors":7,"manifests":7,"schemaVersion":"2"}"#,
        ),
        ("bytes", "{\"token\":\"\u{1b}[31m\u{202e}\u{0}\"}"),
    ]
    .into_iter()
    .map(|(name, body)| {
        let action = said(200, &[("content-type", "application/json")], body);
        Torture::answer(format!("json {name}"), action).telling()
    })
    .collect()
}

fn said(status: u16, headers: &[(&str, &str)], body: &str) -> Action {
    Action::Answer {
        status,
        headers: self::headers(headers),
        body: body.as_bytes().to_vec(),
    }
}

fn headers(pairs: &[(&str, &str)]) -> Vec<(http::HeaderName, http::HeaderValue)> {
    let header = |(name, value): &(&str, &str)| {
        let name = http::HeaderName::from_bytes(name.as_bytes()).expect("a name");
        (name, http::HeaderValue::from_str(value).expect("a value"))
    };
    pairs.iter().map(header).collect()
}

static HUGE_HEADER: LazyLock<Bytes> = LazyLock::new(|| {
    let mut head = b"HTTP/1.1 200 OK\r\na: ".to_vec();
    head.resize(8 * 1024 * 1024, b'x');
    head.extend_from_slice(b"\r\n\r\n");
    head.into()
});

static MANY_HEADERS: LazyLock<Bytes> = LazyLock::new(|| {
    let mut head = "HTTP/1.1 200 OK\r\n".to_owned();
    for number in 0..5000 {
        let _ = write!(head, "a{number}: b\r\n");
    }
    head.push_str("Content-Length: 0\r\n\r\n");
    head.into()
});

/// 64 MiB of nothing.
static BOMB: LazyLock<Bytes> = LazyLock::new(|| {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    for _ in 0..64 {
        encoder.write_all(&[b' '; 1024 * 1024]).expect("memory");
    }
    encoder.finish().expect("memory").into()
});

const HALF_HEAD: &str = "HTTP/1.1 200 OK\r\nContent-";
const HALF_BODY: &str = "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{\"errors\":";
const STAYING_LIMITS: [&str; 3] = ["429 at once", "429 3600", "503 after 3600"];
const STATUSES: [u16; 28] = [
    101, 199, 200, 201, 204, 206, 300, 304, 400, 401, 403, 404, 405, 410, 412, 418, 421, 426, 451,
    500, 501, 502, 503, 504, 507, 599, 600, 999,
];
