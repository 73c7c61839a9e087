//! A simulated registry by hand:
//!
//! `cargo run -p registry-sim -- --profile harbor-2.11 --user robot:secret:team/app=pull,push`
//!
//! Prints the URL and answers until interrupted; `team/app:latest` with one
//! referrer is there from the start.

use std::process::ExitCode;

use registry_sim::{Builder, Profile, RegistrySim, Scheme};

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments
        .iter()
        .any(|argument| argument == "--help" || argument == "-h")
    {
        print(&usage());
        return ExitCode::SUCCESS;
    }
    let builder = match read(&arguments) {
        Ok(builder) => builder,
        Err(error) => return fail(&format!("{error}\n\n{}", usage())),
    };
    let sim = match builder.try_start().await {
        Ok(sim) => sim,
        Err(error) => return fail(&format!("cannot listen: {error}")),
    };
    let digest = sim.push_image("team/app", "latest");
    sim.push_referrer("team/app", &digest, "application/spdx+json");
    print(&sim.url());
    if let Some(pem) = sim.ca_pem() {
        print(pem.trim_end());
    }
    if let Err(error) = tokio::signal::ctrl_c().await {
        return fail(&format!("cannot wait for an interrupt: {error}"));
    }
    for request in sim.requests() {
        print(&request.to_string());
    }
    sim.shutdown().await;
    ExitCode::SUCCESS
}

fn read(arguments: &[String]) -> Result<Builder, String> {
    let mut arguments = arguments.iter();
    let mut profile = Profile::PLAIN;
    let mut changes: Vec<Box<dyn FnOnce(Builder) -> Builder>> = Vec::new();
    while let Some(argument) = arguments.next() {
        let mut value = || {
            arguments
                .next()
                .cloned()
                .ok_or(format!("`{argument}` needs a value"))
        };
        match argument.as_str() {
            "--profile" => {
                let name = value()?;
                profile = Profile::named(&name).ok_or(format!("unknown profile: {name}"))?;
            }
            "--listen" => {
                let text = value()?;
                let address = text
                    .parse()
                    .map_err(|_| format!("not an address and port: {text}"))?;
                changes.push(Box::new(move |builder| builder.listen(address)));
            }
            "--auth" => {
                let text = value()?;
                let scheme = match text.as_str() {
                    "none" => Scheme::None,
                    "basic" => Scheme::Basic,
                    "bearer" => Scheme::Bearer,
                    _ => return Err(format!("not none, basic or bearer: {text}")),
                };
                changes.push(Box::new(move |builder| builder.auth(scheme)));
            }
            "--user" => {
                let text = value()?;
                let (name, password, rights) = user(&text)?;
                changes.push(Box::new(move |builder| {
                    let rights = rights
                        .iter()
                        .map(|(name, rights)| (name.as_str(), rights.as_str()));
                    builder.user(&name, &password, rights)
                }));
            }
            "--anonymous" => {
                let rights = rights(&value()?)?;
                changes.push(Box::new(move |builder| {
                    builder.anonymous(
                        rights
                            .iter()
                            .map(|(name, rights)| (name.as_str(), rights.as_str())),
                    )
                }));
            }
            "--tls" => changes.push(Box::new(|builder| builder.tls(true))),
            _ => return Err(format!("unknown argument: {argument}")),
        }
    }
    let builder = RegistrySim::profile(profile);
    Ok(changes
        .into_iter()
        .fold(builder, |builder, change| change(builder)))
}

type Rights = Vec<(String, String)>;

/// `name:password:repository=pull,push;repository=pull`, the rights optional.
fn user(text: &str) -> Result<(String, String, Rights), String> {
    let mut parts = text.splitn(3, ':');
    let (Some(name), Some(password)) = (parts.next(), parts.next()) else {
        return Err(format!("not name:password: {text}"));
    };
    let rights = rights(parts.next().unwrap_or("*=*"))?;
    Ok((name.to_owned(), password.to_owned(), rights))
}

fn rights(text: &str) -> Result<Rights, String> {
    let pair = |part: &str| {
        let (name, rights) = part
            .split_once('=')
            .ok_or(format!("not repository=rights: {part}"))?;
        Ok((name.to_owned(), rights.to_owned()))
    };
    text.split(';').map(pair).collect()
}

fn usage() -> String {
    let names: Vec<&str> = Profile::ALL.iter().map(|profile| profile.name).collect();
    format!(
        "usage: registry-sim [--profile NAME] [--listen 127.0.0.1:0] [--tls] \
         [--auth none|basic|bearer]\n         [--user NAME:PASSWORD[:REPOSITORY=pull,push,delete[;…]]] \
         [--anonymous REPOSITORY=pull[;…]]\n\nprofiles: {}",
        names.join(", ")
    )
}

#[expect(clippy::print_stdout, reason = "the URL is what this program is for")]
fn print(text: &str) {
    println!("{text}");
}

#[expect(clippy::print_stderr, reason = "where a program says what went wrong")]
fn fail(text: &str) -> ExitCode {
    eprintln!("{text}");
    ExitCode::FAILURE
}
