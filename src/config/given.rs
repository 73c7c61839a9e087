//! A registry that a command line names: an image or a URL, read with the same
//! rules as one of the file, and with the file's `defaults:` where there is one.

use std::path::{Path, PathBuf};

use url::Url;

use crate::{
    credentials::canonical_origin,
    oci::{GrammarError, Image, Reference, Repository},
    secret::Secret,
};

use super::{
    ConfigErrors, Load, PushWish, Target, address, fingerprint,
    layers::inherit,
    load::{read_text, read_tree},
    problem::{Problems, Spot},
    quote::shown,
    registry,
    section::{Names, OCI_KEYS, Section},
    sets::Sets,
    tree::{Entry, Kind, Node, Place, Value},
};

/// An image or a URL as it was typed, understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    /// Scheme, host and port.
    url: Url,
    repository: Option<Repository>,
    reference: Option<Reference>,
}

/// The credentials that a command line states.
#[derive(Debug, Clone)]
pub enum Login {
    /// A user name and a password.
    Password {
        /// The user name.
        username: String,
        /// The password.
        password: Secret,
    },
    /// Docker's configuration file.
    Docker(PathBuf),
}

impl Given {
    /// Understands `ghcr.io/acme/app:1.2`, `alpine`, `localhost:5000/x@sha256:…`,
    /// `https://ghcr.io` and `https://ghcr.io/acme/app:1.2`. An image of this
    /// machine (`localhost`, `127.0.0.1`, `[::1]`) is asked for by http, any other
    /// by https.
    ///
    /// # Errors
    /// Why it is neither, in words that never hold what may be a password.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text
            .chars()
            .any(|char| char.is_whitespace() || char.is_control())
        {
            return Err("it holds white space or a control character".to_owned());
        }
        if text.contains("://") {
            return Self::of_url(text);
        }
        if is_host_alone(text) {
            return Err(format!(
                "it is a host without an image: write {} for the registry",
                shown(&format!("https://{text}"))
            ));
        }
        let image = Image::parse(text).map_err(|error| words(text, &error))?;
        let https = format!("https://{}/", image.host);
        let mut url = Url::parse(&https).map_err(|error| format!("its host is none: {error}"))?;
        if url.host_str().is_none() || !url.username().is_empty() || url.path() != "/" {
            return Err("its host is none".to_owned());
        }
        if address::is_loopback(&url) {
            // From https, which keeps its own default port out of a URL.
            let plain = format!("http://{}/", image.host);
            url = Url::parse(&plain).map_err(|error| format!("its host is none: {error}"))?;
        }
        Ok(Self {
            url,
            repository: Some(image.repository),
            reference: image.reference,
        })
    }

    /// Its host, with a port where one was written.
    pub fn host(&self) -> String {
        address::host_and_port(&self.url)
    }

    /// Whether it names a repository.
    pub fn names_a_repository(&self) -> bool {
        self.repository.is_some()
    }

    fn of_url(text: &str) -> Result<Self, String> {
        let mut url = Url::parse(text).map_err(|error| format!("it is no URL: {error}"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(format!(
                "its scheme `{}` is neither http nor https",
                url.scheme()
            ));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(
                "it holds a user name or password: use `--username` and `--password-stdin`"
                    .to_owned(),
            );
        }
        if url.query().is_some() || url.fragment().is_some() || url.port() == Some(0) {
            return Err("it may have scheme, host, port and the path of an image only".to_owned());
        }
        let path = url.path().trim_matches('/').to_owned();
        let path = match path.strip_prefix("v2") {
            Some("") => "",
            Some(rest) if rest.starts_with('/') => rest.trim_matches('/'),
            _ => &path,
        };
        let image = if path.is_empty() {
            None
        } else {
            let host = address::host_and_port(&url);
            let image = Image::of(&host, path);
            Some(image.map_err(|error| format!("its path is no image: {}", words(path, &error)))?)
        };
        url.set_path("/");
        let (repository, reference) = image
            .map(|image| (image.repository, image.reference))
            .unzip();
        Ok(Self {
            url,
            repository,
            reference: reference.flatten(),
        })
    }
}

/// The target that was given, named `name`, and what is to be warned of.
///
/// Without a `login` its credentials are those of the variables `OCI__…`, unless
/// these, or an `OCI:` block, belong to another host; without them it has none. Push
/// is asked only where `push` permits it.
///
/// # Errors
/// What is wrong with the configuration file or with the variables.
pub fn given(
    given: &Given,
    name: &str,
    login: Option<Login>,
    push: bool,
    load: &Load,
) -> Result<(Target, Vec<String>), ConfigErrors> {
    let path = load.file();
    let file = path.map_or_else(String::new, |path| path.display().to_string());
    let text = path.map_or_else(|| Ok(String::new()), read_text)?;
    let (file, text) = (file.as_str(), text.as_str());
    let root = read_tree(text, file)?;
    let root = root.unwrap_or_else(|| node(Value::Map(Vec::new())));
    let problems = Problems::default();
    let Some(document) = Section::root(&root, &problems) else {
        problems.conclude(file, text)?;
        return Err(unread(name));
    };
    let base = path.and_then(Path::parent).unwrap_or(Path::new(""));
    let mut own = vec![
        text_entry("name", name),
        text_entry("RegistryUrl", given.url.as_str()),
    ];
    if let Some(repository) = &given.repository {
        own.push(text_entry("TestRepository", repository.as_str()));
        if push {
            own.push(text_entry("push_repository", repository.as_str()));
        }
    }
    if let Some(Reference::Tag(tag)) = &given.reference {
        own.push(text_entry("TestTag", tag.as_str()));
    }
    own.extend(match login {
        Some(login) => login.entries(),
        None => of_environment(given, &document, load),
    });
    let entries = inherit(document.section("defaults").entries(), &own);
    let spot = Spot {
        place: Place::Environment,
        path: name.to_owned(),
    };
    let section = Section::composed(spot, &entries, Names::Oci, &problems);
    let target = registry::read(&section, &Sets::none(), base);
    let warnings = problems.conclude(file, text)?;
    let mut target = target.ok_or_else(|| unread(name))?;
    for repository in &mut target.repositories {
        if let Some(digest @ Reference::Digest(_)) = &given.reference {
            repository.reference = digest.clone();
        }
        if !push {
            repository.push = PushWish::No;
        }
    }
    target.fingerprint = fingerprint::of(&target);
    Ok((target, warnings))
}

impl Login {
    fn entries(self) -> Vec<Entry> {
        match self {
            Self::Password { username, password } => vec![
                text_entry("Username", &username),
                text_entry("Password", password.expose()),
            ],
            Self::Docker(path) => vec![text_entry("docker_config", &path.to_string_lossy())],
        }
    }
}

/// The login that the variables hold, if they are meant for this host.
fn of_environment(given: &Given, document: &Section<'_>, load: &Load) -> Vec<Entry> {
    let variables = || {
        load.environment
            .oci()
            .filter(|(_, value)| !value.is_empty())
    };
    let block = document.item("OCI").and_then(|item| item.section());
    let in_block = block.as_ref().map(|block| {
        let url = block
            .entries()
            .iter()
            .find(|entry| entry.key == "RegistryUrl");
        match url.map(|entry| &entry.node.value) {
            Some(Value::Scalar(_, url)) => url.clone(),
            _ => String::new(),
        }
    });
    let set = variables().find(|(key, _)| *key == "RegistryUrl");
    let set = set.map(|(_, value)| value.to_string_lossy().into_owned());
    if let Some(theirs) = set.or(in_block) {
        let same = |url: Url| {
            canonical_origin(&address::host_and_port(&url)) == canonical_origin(&given.host())
        };
        if !Url::parse(&theirs).is_ok_and(same) {
            return Vec::new();
        }
    }
    let login = |key: &str| {
        let known = OCI_KEYS.iter().any(|(_, oci)| *oci == key);
        known && !["RegistryUrl", "TestRepository", "TestTag"].contains(&key)
    };
    variables()
        .filter(|(key, _)| login(key))
        .map(|(key, value)| text_entry(key, &value.to_string_lossy()))
        .collect()
}

fn text_entry(key: &str, text: &str) -> Entry {
    Entry {
        key: key.to_owned(),
        key_place: Place::Environment,
        node: node(Value::Scalar(Kind::Text, text.to_owned())),
    }
}

fn node(value: Value) -> Node {
    Node {
        place: Place::Environment,
        value,
    }
}

/// `ghcr.io` and `localhost:5000`: Docker would take them for images of Docker Hub,
/// which nobody means.
fn is_host_alone(text: &str) -> bool {
    let name = text.split([':', '@']).next().unwrap_or_default();
    !text.contains(['/', '@']) && (name.contains('.') || name == "localhost")
}

/// Why it is no image. What stands around an `@` may be a password.
fn words(text: &str, error: &GrammarError) -> String {
    if text.contains('@') {
        return "behind an `@` stands a digest, and nothing else may".to_owned();
    }
    error.to_string()
}

/// Every refusal has its own words; this stands for none.
fn unread(name: &str) -> ConfigErrors {
    ConfigErrors::from(super::ConfigError {
        file: None,
        position: None,
        path: name.to_owned(),
        message: "the registry cannot be read".to_owned(),
        hint: "name an image, such as `ghcr.io/acme/app:1.2`, or a URL".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{config::Environment, credentials::Source};

    fn load(variables: &[(&str, &str)]) -> Load {
        Load {
            path: None,
            default_paths: Vec::new(),
            environment: variables.iter().copied().collect(),
        }
    }

    fn target(text: &str, push: bool) -> Target {
        let understood = Given::parse(text).unwrap();
        let load = load(&[]);
        let (target, warnings) = given(&understood, "x", None, push, &load).unwrap();
        assert_eq!(warnings, Vec::<String>::new(), "{text}");
        target
    }

    #[test]
    #[expect(clippy::too_many_lines, reason = "a row for every form")]
    fn an_image_or_a_url_becomes_a_target() {
        let zero = "sha256:".to_owned() + &"0".repeat(64);
        let by_digest = format!("ghcr.io/acme/app@{zero}");
        for (text, url, repository, reference, guessed) in [
            (
                "ghcr.io/acme/app:1.2",
                "https://ghcr.io/",
                "acme/app",
                "1.2",
                false,
            ),
            (&by_digest, "https://ghcr.io/", "acme/app", &zero, false),
            (
                "alpine",
                "https://registry-1.docker.io/",
                "library/alpine",
                "latest",
                false,
            ),
            (
                "localhost:5000/x",
                "http://localhost:5000/",
                "x",
                "latest",
                false,
            ),
            ("127.0.0.1:80/x", "http://127.0.0.1/", "x", "latest", false),
            ("[::1]:5000/x", "http://[::1]:5000/", "x", "latest", false),
            (
                "https://localhost:5000/x:1",
                "https://localhost:5000/",
                "x",
                "1",
                false,
            ),
            (
                "https://ghcr.io",
                "https://ghcr.io/",
                "library/alpine",
                "latest",
                true,
            ),
            (
                "https://ghcr.io/v2/",
                "https://ghcr.io/",
                "library/alpine",
                "latest",
                true,
            ),
            (
                "http://r.test:80/v2/a/b:c",
                "http://r.test/",
                "a/b",
                "c",
                false,
            ),
            (
                "https://docker.io/nginx:1",
                "https://registry-1.docker.io/",
                "library/nginx",
                "1",
                false,
            ),
            (
                "https://docker.io",
                "https://registry-1.docker.io/",
                "library/alpine",
                "latest",
                false,
            ),
        ] {
            let target = target(text, false);
            assert_eq!(target.url.as_str(), url, "{text}");
            let [first] = &target.repositories[..] else {
                panic!("{text}: {:?}", target.repositories);
            };
            assert_eq!(first.name.as_str(), repository, "{text}");
            assert_eq!(first.reference.as_str(), reference, "{text}");
            assert_eq!(first.guessed, guessed, "{text}");
            assert_eq!(first.push, PushWish::No, "{text}");
            assert_eq!(first.credential.source, Source::Anonymous, "{text}");
        }
    }

    #[test]
    fn push_is_named_where_it_is_permitted() {
        let target = target("ghcr.io/acme/app", true);
        assert_eq!(target.repositories[0].push, PushWish::Named);
        assert_eq!(target.repositories.len(), 1);
    }

    #[test]
    fn what_is_neither_is_refused_without_a_secret() {
        for (text, why) in [
            ("", "is empty"),
            ("Alpine", "upper-case"),
            ("a b", "white space"),
            ("ftp://ghcr.io/x", "neither http nor https"),
            ("https://bob:hunter2@ghcr.io/x", "--password-stdin"),
            ("https://ghcr.io/x?y", "path of an image only"),
            ("https://ghcr.io/X", "its path is no image"),
            ("https://", "it is no URL"),
            ("bob:hunter2@ghcr.io/x", "its host is none"),
            ("bob@hunter2", "behind an `@` stands a digest"),
            ("https://ghcr.io/x@hunter2", "behind an `@` stands a digest"),
            ("a.b:99999/x", "its host is none"),
            ("ghcr.io", "write `https://ghcr.io` for the registry"),
            ("localhost:5000", "write `https://localhost:5000` for"),
        ] {
            let error = Given::parse(text).unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn variables_are_for_their_own_host() {
        let login = [("OCI__Username", "robot"), ("OCI__Password", "hunter2")];
        for (url, sent) in [
            (None, true),
            (Some("https://ghcr.io"), true),
            (Some("https://other.example.com"), false),
            (Some("https://ghcr.io:8443"), false),
        ] {
            let mut variables = login.to_vec();
            variables.extend(url.map(|url| ("OCI__RegistryUrl", url)));
            let understood = Given::parse("ghcr.io/acme/app").unwrap();
            let (target, _) = given(&understood, "x", None, false, &load(&variables)).unwrap();
            let source = &target.repositories[0].credential.source;
            assert_eq!(*source != Source::Anonymous, sent, "{url:?}");
        }
    }

    #[test]
    fn a_stated_login_stands_before_the_variables() {
        let login = Login::Password {
            username: "bob".to_owned(),
            password: Secret::new("hunter2"),
        };
        let variables = load(&[("OCI__Token", "canary")]);
        let understood = Given::parse("ghcr.io/acme/app").unwrap();
        let (target, _) = given(&understood, "x", Some(login), false, &variables).unwrap();
        let set = &target.repositories[0].credential;
        assert_eq!(
            (set.name.as_str(), set.source.username()),
            ("inline", Some("bob"))
        );
    }

    #[test]
    fn the_defaults_of_the_file_hold_and_its_block_keeps_its_variables() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("c.yml");
        let text = "OCI: {RegistryUrl: 'https://other.example.com'}\ndefaults: {timeout: 7s, labels: {a: b}}\n";
        std::fs::write(&path, text).unwrap();
        let load = Load {
            path: Some(path),
            default_paths: Vec::new(),
            environment: [("OCI__Token", "canary")]
                .into_iter()
                .collect::<Environment>(),
        };
        let understood = Given::parse("ghcr.io/acme/app").unwrap();
        let (target, _) = given(&understood, "x", None, false, &load).unwrap();
        assert_eq!(target.timeout.as_secs(), 7);
        assert_eq!(target.labels["a"], "b");
        let set = &target.repositories[0].credential;
        assert_eq!(set.source, Source::Anonymous);
    }
}
