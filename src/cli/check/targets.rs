//! What is asked: configured names, and images and URLs that are not configured.

use std::{collections::BTreeSet, sync::Arc};

use super::{
    super::{Failure, flags::Flags, say, select, warn_of},
    CheckFlags,
    login::{self, Stated},
};
use crate::{
    config::{self, Config, Given, Load, Login, Target},
    credentials::{Server, Source, docker_login},
    discovery,
};

/// The targets of one run.
pub(super) struct Chosen {
    pub(super) targets: Vec<Arc<Target>>,
    /// Cycles at once.
    pub(super) concurrency: usize,
}

/// The configured targets that are named, in the order of the configuration, and
/// behind them what else is named, in the order of the command line; without
/// names every configured one.
pub(super) async fn choose(flags: &Flags, names: &[String]) -> Result<Chosen, Failure> {
    let wishes = &flags.check;
    let load = Load::new(flags.config_file.clone());
    if names.is_empty() && !load.is_there() {
        return Err(nothing(&load));
    }
    let mut config = if load.is_there() {
        Some(discovery::load(&load).await?)
    } else {
        None
    };
    let known: Vec<String> = config
        .iter()
        .flat_map(select::names)
        .map(str::to_owned)
        .collect();
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    let (configured, others): (Vec<&String>, Vec<&String>) = names
        .iter()
        .partition(|name| known.contains(&name.as_str()));
    let given = understood(&others, &known)?;
    refuse_idle_flags(wishes, &given)?;
    let read = read(&given, &known, wishes, &load).await?;
    if let Some(config) = &mut config {
        if read.by_variables {
            config
                .warnings
                .retain(|it| !it.contains(config::IDLE_VARIABLE));
        }
        warn_of(config);
    }
    let mut targets: Vec<Arc<Target>> = match &config {
        Some(config) if names.is_empty() => config.registries.clone(),
        Some(config) => {
            let all = config.registries.iter();
            let chosen = all.filter(|target| configured.contains(&&target.name));
            chosen.cloned().collect()
        }
        None => Vec::new(),
    };
    targets.extend(read.targets);
    Ok(Chosen {
        targets: targets.into_iter().map(|it| adjusted(it, wishes)).collect(),
        concurrency: config.map_or(CONCURRENCY, |config: Config| config.concurrency),
    })
}

/// Neither a configuration nor a TARGET.
fn nothing(load: &Load) -> Failure {
    let error = config::load(load).err();
    let why = error.map_or_else(String::new, |error| error.to_string());
    Failure::usage(format!(
        "{why}; or name an image: `check ghcr.io/acme/app:1.2`"
    ))
}

/// What was typed, each once, and what it means.
fn understood<'a>(others: &[&'a String], known: &[&str]) -> Result<Vec<(&'a str, Given)>, Failure> {
    let mut seen = BTreeSet::new();
    let mut given = Vec::new();
    for text in others {
        if !seen.insert(text.as_str()) {
            continue;
        }
        // Only a configured name has neither of these and means no image of the Hub.
        let bare = !text.contains(['/', ':', '.', '@']);
        if bare && !config::spelled_alike(text, known).is_empty() {
            return Err(Failure::usage(select::unknown(text, known)));
        }
        let parsed = Given::parse(text).map_err(|why| neither(text, &why, known))?;
        if bare && !known.is_empty() {
            say(&format_args!(
                "note: no registry is named `{text}`: the image `docker.io/library/{text}` is meant"
            ));
        }
        given.push((text.as_str(), parsed));
    }
    Ok(given)
}

fn neither(text: &str, why: &str, known: &[&str]) -> Failure {
    // What stands before an `@` may be a password.
    let shown = if text.contains('@') {
        "the TARGET".to_owned()
    } else {
        let tame: String = text
            .chars()
            .filter(|it| !it.is_control())
            .take(SHOWN)
            .collect();
        format!("`{tame}`")
    };
    let hint = "name an image, such as `ghcr.io/acme/app:1.2`, or a URL";
    let hint = match select::configured(known) {
        Some(configured) => format!("{hint}; {configured}"),
        None => hint.to_owned(),
    };
    Failure::usage(format!(
        "{shown} is neither a configured registry nor an image or URL: {why}\n  hint: {hint}"
    ))
}

/// What would silently do nothing, or send one login to several places.
fn refuse_idle_flags(flags: &CheckFlags, given: &[(&str, Given)]) -> Result<(), Failure> {
    let idle = |flag: &str| {
        Err(Failure::usage(format!(
            "`{flag}` is for a TARGET that is not configured, and none is named"
        )))
    };
    if given.is_empty() && flags.username.is_some() {
        return idle("--username");
    }
    if given.is_empty() && flags.push {
        return idle("--push");
    }
    if flags.push
        && let Some((text, _)) = given.iter().find(|(_, it)| !it.names_a_repository())
    {
        return Err(Failure::usage(format!(
            "`--push` needs a repository, and `{text}` names none\n  hint: name an image, such as `{text}/team/app`"
        )));
    }
    if flags.username.is_some() {
        refuse_several_hosts("`--username`", given.iter().map(|(_, given)| given))?;
    }
    Ok(())
}

/// One login is for one registry.
fn refuse_several_hosts<'a>(
    whose: &str,
    given: impl Iterator<Item = &'a Given>,
) -> Result<(), Failure> {
    let hosts: BTreeSet<String> = given.map(Given::host).collect();
    if hosts.len() < 2 {
        return Ok(());
    }
    let hosts: Vec<String> = hosts.into_iter().map(|host| format!("`{host}`")).collect();
    Err(Failure::usage(format!(
        "{whose} is one login, and the TARGETs are of {}\n  hint: ask one registry at a time, or configure them",
        hosts.join(" and ")
    )))
}

/// The targets of images and URLs.
#[derive(Default)]
struct Unconfigured {
    targets: Vec<Arc<Target>>,
    /// Whether any has its login from the variables `OCI__…`.
    by_variables: bool,
}

async fn read(
    given: &[(&str, Given)],
    known: &[&str],
    flags: &CheckFlags,
    load: &Load,
) -> Result<Unconfigured, Failure> {
    if given.is_empty() {
        return Ok(Unconfigured::default());
    }
    let stated = login::stated(flags)?;
    let mut targets: Vec<Arc<Target>> = Vec::new();
    let mut by_variables = Vec::new();
    for (text, understood) in given {
        // Several of one registry are told apart by what was typed.
        let host = understood.host();
        let taken =
            known.contains(&host.as_str()) || targets.iter().any(|target| target.name == host);
        let name = if taken { (*text).to_owned() } else { host };
        let login = stated
            .clone()
            .map(|Stated { username, password }| Login::Password { username, password });
        let said = login.is_some();
        let (mut target, mut warnings) = config::given(understood, &name, login, flags.push, load)?;
        if !said && is_anonymous(&target) {
            let budget = flags.timeout.unwrap_or(target.timeout);
            if let Some(path) = docker_login(&Server::of(&target.url), budget).await {
                let login = Some(Login::Docker(path));
                (target, warnings) = config::given(understood, &name, login, flags.push, load)?;
            }
        } else if !said {
            by_variables.push(understood);
        }
        for warning in warnings {
            say(&format_args!("warning: {warning}"));
        }
        targets.push(Arc::new(target));
    }
    refuse_several_hosts("the login of `OCI__…`", by_variables.iter().copied())?;
    Ok(Unconfigured {
        targets,
        by_variables: !by_variables.is_empty(),
    })
}

fn is_anonymous(target: &Target) -> bool {
    let mut sets = target.credential_sets().into_iter();
    sets.all(|set| set.source == Source::Anonymous)
}

/// The target as the flags of this run want it.
fn adjusted(target: Arc<Target>, flags: &CheckFlags) -> Arc<Target> {
    if !flags.insecure && flags.timeout.is_none() {
        return target;
    }
    let mut target = Arc::unwrap_or_clone(target);
    target.tls.insecure_skip_verify |= flags.insecure;
    if let Some(timeout) = flags.timeout {
        target.timeout = timeout;
        target.request_timeout = target.request_timeout.min(timeout);
        target.connect_timeout = target.connect_timeout.min(timeout);
    }
    Arc::new(target)
}

/// Without a configuration.
const CONCURRENCY: usize = 16;
/// Characters of what was typed.
const SHOWN: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(texts: &[&str], known: &[&str]) -> Result<Vec<String>, String> {
        let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
        let given = understood(&texts.iter().collect::<Vec<_>>(), known);
        given
            .map(|given| given.into_iter().map(|(_, given)| given.host()).collect())
            .map_err(|failure| failure.message)
    }

    #[test]
    fn each_target_is_understood_once() {
        let twice = ["alpine", "ghcr.io/a/b", "alpine"];
        let expected = ["docker.io", "ghcr.io"].map(str::to_owned);
        assert_eq!(hosts(&twice, &["production"]).unwrap(), expected);
    }

    #[test]
    fn a_bare_word_that_is_nearly_a_configured_name_is_a_slip() {
        for (text, slip) in [
            ("prodution", true),
            ("PRODUCTION", true),
            ("alpine", false),
            // Written like this it can only be an image.
            ("library/prodution", false),
            ("prodution:1", false),
        ] {
            let refused = hosts(&[text], &["production"]).err();
            assert_eq!(refused.is_some(), slip, "{text}: {refused:?}");
        }
        assert!(hosts(&["prodution"], &[]).is_ok());
    }

    #[test]
    fn one_login_is_not_sent_to_two_registries() {
        let given = |texts: &[&str]| -> Vec<Given> {
            texts
                .iter()
                .map(|text| Given::parse(text).unwrap())
                .collect()
        };
        let one = given(&["ghcr.io/a", "ghcr.io/b", "https://ghcr.io"]);
        assert!(refuse_several_hosts("x", one.iter()).is_ok());
        let two = given(&["ghcr.io/a", "ghcr.io:8443/b"]);
        let failure = refuse_several_hosts("x", two.iter()).unwrap_err();
        assert!(
            failure.message.contains("`ghcr.io` and `ghcr.io:8443`"),
            "{failure}"
        );
    }
}
