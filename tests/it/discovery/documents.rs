//! What a document may say, and what of it comes into force.

use std::fmt::Write as _;

use oci_registry_exporter::config::{self, LARGEST_DOCUMENT};

use super::{Folder, PLATFORM, asked, document};
use crate::golden;

const GOOD: &str = "repositories:\n  - {registry: shared, name: team-a/canary, credentials: team-a, push: true, labels: {team: a}}\n";

#[test]
fn what_a_document_adds_is_in_force_and_says_where_it_came_from() {
    let mut folder = Folder::new(PLATFORM);
    folder.write("teams/a.yml", GOOD);
    folder.write(
        "teams/b.yml",
        "registries:\n  - {url: 'https://b.example.com', profile: named, repositories: [b/canary, {name: b/open, anonymous: true}]}\n",
    );
    let config = folder.read();
    assert_eq!(folder.said(&config, "a.yml"), "nothing");
    assert_eq!(
        asked(&config),
        [
            "shared/platform/canary@platform",
            "shared/team-a/canary@team-a",
            "other/library/alpine@anonymous",
            "b.example.com/b/canary@team-b",
            "b.example.com/b/open@anonymous",
        ]
    );
    assert_eq!(config.registries[2].checks.pull.interval.as_secs(), 7 * 60);
    let shown = config::show(&config, true);
    let root = format!("{}/", folder.root.path().display());
    let shown = shown.replace(&root, "");
    for line in [
        "      - name: team-a/canary  # document teams/a.yml line 2\n",
        "          team: a  # document teams/a.yml line 2\n",
        "    url: https://b.example.com  # document teams/b.yml line 2\n",
        "        interval: 7m  # profile named line 8\n",
        "# document teams/b.yml: in force, 1 registries and 0 repositories\n",
    ] {
        assert!(shown.contains(line), "{line}{shown}");
    }
    assert!(!shown.contains("S3CRET-CANARY"), "{shown}");
}

/// Each of these, with its place and the way out.
#[test]
fn every_bad_document_is_refused_with_its_place() {
    let mut said = String::new();
    for (name, text) in bad() {
        let mut folder = Folder::new(PLATFORM);
        let before = asked(&folder.read());
        folder.write("teams/bad.yml", text);
        let config = folder.read();
        let message = folder.said(&config, "bad.yml");
        assert!(message.starts_with("teams/bad.yml:"), "{name}: {message}");
        assert!(!message.contains("S3CRET"), "{name}: {message}");
        assert_eq!(asked(&config), before, "{name}");
        assert!(config.warnings.is_empty(), "{:?}", config.warnings);
        let _ = writeln!(said, "--- {name}\n{message}");
    }
    golden::compare("documents.txt", &said);
}

/// Each as it may be written.
const WRITTEN: &[(&str, &str)] = &[
    ("empty", ""),
    ("malformed", "repositories:\n  - {registry: shared\n"),
    ("no map", "- a\n- b\n"),
    ("unknown keys", "repositries: []\n"),
    ("a key twice", "repositories: []\nrepositories: []\n"),
    ("another form", "repositories:\n  - team-a/canary\n  - 7\n"),
    (
        "the main file's keys",
        "credentials: {x: {token: S3CRET}}\ncredential_dirs: [/etc]\ndefaults: {}\nprofiles: {}\nlimits: {}\nregistry_files: [x]\nOCI: {}\n",
    ),
    (
        "secrets",
        "repositories:\n  - {registry: shared, name: a/b, username: x, password: S3CRET}\n  - {registry: shared, name: a/c, token_file: /etc/S3CRET}\n  - {registry: shared, name: a/d, credential_helper: S3CRET}\n  - {registry: shared, name: a/e, dir: /etc/S3CRET}\n  - {registry: shared, name: a/f, docker_config: /etc/S3CRET}\n",
    ),
    (
        "ways",
        "registries:\n  - {url: 'https://a.example.com', tls: {ca_file: /etc/x}}\n  - {url: 'https://a.example.com', proxy_url: 'http://evil.example.com'}\n  - {url: 'https://a.example.com', resolve: {a.example.com: 10.0.0.1}}\n  - {url: 'https://a.example.com', token_hosts: [evil.example.com]}\n",
    ),
    (
        "writes",
        "registries:\n  - {url: 'https://a.example.com', checks: {capabilities: {mount_from: a/b}}}\n  - {url: 'https://a.example.com', checks: {push: {allow_create: true}}}\n",
    ),
    (
        "haste",
        "registries:\n  - {url: 'https://a.example.com', checks: {pull: {interval: 1s}}}\n  - {url: 'https://a.example.com', timeout: 1s}\n",
    ),
    (
        "a registry's repository",
        "registries:\n  - {url: 'https://a.example.com', repositories: [{name: a/b, password_env: S3CRET}]}\n",
    ),
    (
        "a foreign host",
        "registries:\n  - {url: 'https://evil.example.org', credentials: team-a}\n  - {url: 'https://evil.example.org', profile: named}\n  - {url: 'https://a.example.com', repositories: [{name: a/b, credentials: platform}]}\n",
    ),
    (
        "another registry's set",
        "repositories:\n  - {registry: other, name: a/b, credentials: platform}\n",
    ),
    (
        "credentials without hosts",
        "registries:\n  - {url: 'https://evil.example.org', profile: unnamed}\n",
    ),
    (
        "clear text",
        "registries:\n  - {url: 'http://a.example.com', credentials: team-a}\n",
    ),
    (
        "a password in a URL",
        "registries:\n  - {url: 'https://x:S3CRET@a.example.com'}\n",
    ),
    (
        "what is not there",
        "repositories:\n  - {registry: shard, name: a/b, credentials: team-a}\n  - {registry: shared, name: a/b, credentials: team-x}\nregistries:\n  - {url: 'https://a.example.com', profile: nobody}\n",
    ),
    (
        "whose rights",
        "repositories:\n  - {registry: shared, name: a/b}\n  - {name: a/b, credentials: team-a}\n  - {registry: shared, credentials: team-a}\n",
    ),
    (
        "labels",
        "repositories:\n  - {registry: shared, name: a/b, credentials: team-a, labels: {tier: '2', registry: x}}\n",
    ),
    (
        "names twice",
        "repositories:\n  - {registry: shared, name: a/b, credentials: team-a}\n  - {registry: shared, name: a/b, credentials: team-a, tag: x}\nregistries:\n  - {url: 'https://a.example.com'}\n  - {name: a.example.com, url: 'https://b.example.com'}\n",
    ),
    (
        "another's registry",
        "registries:\n  - {name: other, url: 'https://b.example.com'}\nrepositories:\n  - {registry: shared, name: platform/canary, credentials: platform}\n",
    ),
    ("a tag of YAML", "repositories: !include /etc/passwd\n"),
    ("two documents", "repositories: []\n---\nrepositories: []\n"),
    ("a control character", "repositories: [\u{7}]\n"),
];

/// And those that are made.
fn bad() -> Vec<(&'static str, Vec<u8>)> {
    let written = WRITTEN
        .iter()
        .map(|(name, text)| (*name, text.as_bytes().to_vec()));
    let mut bad: Vec<(&str, Vec<u8>)> = written.collect();
    let values: String = (0..1000)
        .map(|it| repository(it, &format!("t{it}")))
        .collect();
    let values = format!("repositories:\n{values}").replace(
        "repositories:\n",
        "# 30 of these are the limit\nrepositories:\n",
    );
    bad.push(("a flood", values.into_bytes()));
    let values: String = (0..25)
        .map(|it| repository(it, &format!("t{it}")))
        .collect();
    bad.push((
        "label values",
        format!("repositories:\n{values}").into_bytes(),
    ));
    let of_host = |it| format!("  - {{url: 'https://r{it}.example.com'}}\n");
    let registries: String = (0..7).map(of_host).collect();
    bad.push((
        "registries",
        format!("registries:\n{registries}").into_bytes(),
    ));
    bad.push(("without end", vec![b'#'; 2 * LARGEST_DOCUMENT]));
    bad.push(("no text", b"repositories: [\xff]\n".to_vec()));
    let mut bomb = "a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n".to_owned();
    for level in 1..9 {
        let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
        let _ = writeln!(bomb, "a{level}: &a{level} [{aliases}]");
    }
    bad.push(("a bomb", bomb.into_bytes()));
    let faults: String = (0..500).map(|_| "  - {registry: nobody}\n").collect();
    bad.push((
        "faults without end",
        format!("repositories:\n{faults}").into_bytes(),
    ));
    bad
}

fn repository(index: usize, team: &str) -> String {
    format!(
        "  - {{registry: shared, name: t/r{index}, credentials: team-a, labels: {{team: {team}}}}}\n"
    )
}

#[test]
fn without_the_permission_no_registry_is_added() {
    let mut folder = Folder::new(&PLATFORM.replace(", may: [registries, repositories]", ""));
    folder.write(
        "teams/a.yml",
        "registries:\n  - {url: 'https://a.example.com'}\n",
    );
    folder.write("teams/b.yml", GOOD);
    let config = folder.read();
    assert_eq!(
        folder.said(&config, "a.yml"),
        "teams/a.yml:2:3: registries: `registries` may not stand in this document\n  hint: `may` of `registry_files[0]` in the main file does not name them"
    );
    assert_eq!(document(&config, "b.yml").repositories, 1);
}

#[test]
fn a_bad_document_goes_on_as_it_was_last_good_also_under_another_main_file() {
    let mut folder = Folder::new(PLATFORM);
    folder.write("teams/a.yml", GOOD);
    let good = asked(&folder.read());
    for bad in ["", "repositories: [", &GOOD.replace("team-a,", "nobody,")] {
        folder.write("teams/a.yml", bad);
        let config = folder.read();
        assert_eq!(asked(&config), good, "{bad}");
        let state = document(&config, "a.yml");
        assert!(!state.taken && state.problems.is_some());
        assert_eq!(state.repositories, 1);
    }
    // Another main file: still the last good one, without what the new file has no more.
    let other = PLATFORM.replace("name: shared", "name: renamed");
    folder.write(super::MAIN, other + "  - {url: https://new.example.com}\n");
    let config = folder.read();
    assert_eq!(document(&config, "a.yml").repositories, 0);
    folder.write(
        super::MAIN,
        PLATFORM.to_owned() + "  - {url: https://new.example.com}\n",
    );
    let config = folder.read();
    assert!(asked(&config).contains(&"shared/team-a/canary@team-a".to_owned()));

    folder.write("teams/a.yml", GOOD.replace("canary", "other"));
    let config = folder.read();
    assert!(asked(&config).contains(&"shared/team-a/other@team-a".to_owned()));
    assert!(document(&config, "a.yml").problems.is_none());
}

#[test]
fn a_file_that_is_gone_takes_its_registries_and_a_folder_that_is_gone_none() {
    let mut folder = Folder::new(PLATFORM);
    let before = asked(&folder.read());
    folder.write("teams/a.yml", GOOD);
    let with = asked(&folder.read());
    assert_ne!(before, with);
    std::fs::rename(folder.path("teams"), folder.path("elsewhere")).unwrap();
    let config = folder.read();
    assert_eq!(asked(&config), with);
    let said = folder.said(&config, "*.yml");
    assert!(
        said.starts_with("teams/*.yml: the directory cannot be listed: "),
        "{said}"
    );
    std::fs::rename(folder.path("elsewhere"), folder.path("teams")).unwrap();
    // What cannot be read may be there.
    std::fs::remove_file(folder.path("teams/a.yml")).unwrap();
    std::os::unix::fs::symlink("/dev/zero", folder.path("teams/a.yml")).unwrap();
    let config = folder.read();
    assert_eq!(asked(&config), with);
    let said = folder.said(&config, "a.yml");
    assert!(said.contains("it is no regular file"), "{said}");
    std::fs::remove_file(folder.path("teams/a.yml")).unwrap();
    let config = folder.read();
    assert_eq!(asked(&config), before);
    assert!(config.documents.is_empty());
}

#[test]
fn the_first_by_name_has_a_name_that_two_claim_and_the_rest_of_the_other_stays() {
    let mut folder = Folder::new(PLATFORM);
    let text = |own: &str| {
        format!(
            "{GOOD}registries:\n  - {{name: wanted, url: 'https://{own}.example.com'}}\n  - {{url: 'https://{own}.example.com'}}\n"
        )
    };
    folder.write("teams/b.yml", text("b"));
    folder.write("teams/a.yml", text("a"));
    let config = folder.read();
    let wanted = config
        .registries
        .iter()
        .find(|it| it.name == "wanted")
        .unwrap();
    assert_eq!(wanted.host(), "a.example.com");
    assert_eq!(config.registries.len(), 5);
    assert_eq!(folder.said(&config, "a.yml"), "nothing");
    let said = folder.said(&config, "b.yml");
    assert_eq!(said.matches("is named by").count(), 2, "{said}");
    assert!(
        said.contains("teams/b.yml:4:12: registries[0].name: a registry `wanted` is named by"),
        "{said}"
    );
}

/// Whoever floods is who is refused, wherever its name stands.
#[test]
fn a_flood_in_one_document_refuses_no_other() {
    let many = |from: usize| -> String {
        let repositories: String = (from..from + 25).map(|it| repository(it, "x")).collect();
        format!("repositories:\n{repositories}")
    };
    for flood in ["teams/0.yml", "teams/z.yml"] {
        let mut folder = Folder::new(PLATFORM);
        folder.write("teams/a.yml", many(0));
        folder.write("teams/b.yml", GOOD);
        folder.write(flood, GOOD.replace("team-a/canary", "team-z/canary"));
        let config = folder.read();
        assert!(config.documents.iter().all(|it| it.problems.is_none()));
        folder.write(flood, many(100) + &repository(200, "x"));
        let config = folder.read();
        assert_eq!(document(&config, "a.yml").repositories, 25);
        assert_eq!(document(&config, "b.yml").repositories, 1);
        let said = folder.said(&config, flood);
        assert!(said.contains("repositories, and the limit is 30"), "{said}");
        // What it was before there is room for.
        assert_eq!(document(&config, flood).repositories, 1);
    }
}

#[test]
fn the_list_of_files_is_read_strictly() {
    for (list, expected) in [
        ("[7/]", "has a pattern above its last part, or no last part"),
        ("['teams*/x']", "has a pattern above its last part"),
        ("['a[']", "is no pattern of paths"),
        ("['https://x.example.com/y']", "a URL stands under `url`"),
        ("[{}]", "neither `paths` nor `url` stands here"),
        (
            "[{paths: [x], url: 'https://x.example.com'}]",
            "`paths` and `url` stand together",
        ),
        ("[{paths: []}]", "the list of paths is empty"),
        ("[{paths: [x], tls: {}}]", "`tls` stand beside `paths`"),
        (
            "[{paths: [x], may: [credentials]}]",
            "`credentials` is nothing that a document may hold",
        ),
        (
            "[{paths: [x], may: []}]",
            "a document that may hold nothing",
        ),
        (
            "[{paths: [x], interval: 25h}]",
            "the interval is not from 1s to 24h",
        ),
        (
            "[{url: 'https://x:S3CRET@x.example.com'}]",
            "the URL holds a user name or password",
        ),
        ("[{url: 'ftp://x.example.com'}]", "neither http nor https"),
        (
            "[{url: 'https://x.example.com', password: x}]",
            "unknown key `password`",
        ),
    ] {
        let yaml =
            format!("registry_files: {list}\nregistries: [{{url: https://r.example.com}}]\n");
        let environment = config::Environment::default();
        let read = config::parse(&yaml, "x.yml", std::path::Path::new("/"), &environment);
        let said = read.expect_err(list).to_string();
        assert!(said.contains(expected), "{list}: {said}");
        assert!(!said.contains("S3CRET"), "{said}");
    }
}

#[test]
fn the_schema_of_a_document_takes_what_is_taken() {
    let schema: serde_json::Value = serde_json::from_str(&config::document_schema()).unwrap();
    jsonschema::meta::validate(&schema).unwrap_or_else(|error| panic!("{error}"));
    let validator = jsonschema::validator_for(&schema).unwrap();
    let valid = |text: &str| validator.is_valid(&serde_yaml::from_str(text).unwrap());
    assert!(valid(GOOD));
    assert!(!valid(
        &GOOD.replace("tag", "token").replace("push", "token")
    ));
    assert!(!valid("credentials: {}"));
}
