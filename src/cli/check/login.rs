//! The login that a command line states: a name, and the password on stdin.

use std::io::{self, Read};

use super::{super::Failure, CheckFlags};
use crate::secret::Secret;

/// A stated login.
#[derive(Debug, Clone)]
pub(super) struct Stated {
    pub(super) username: String,
    pub(super) password: Secret,
}

/// The login of `--username`, its password read from stdin.
pub(super) fn stated(flags: &CheckFlags) -> Result<Option<Stated>, Failure> {
    let Some(username) = &flags.username else {
        return Ok(None);
    };
    let password = password(io::stdin().lock()).map_err(|why| {
        Failure::usage(format!(
            "`--password-stdin`: {why}\n  hint: `printf %s \"$PASSWORD\" | oci-registry-exporter check ...`"
        ))
    })?;
    Ok(Some(Stated {
        username: username.clone(),
        password,
    }))
}

/// One line without its end; what is wrong with it is said without it.
fn password(from: impl Read) -> Result<Secret, String> {
    let mut bytes = Vec::new();
    from.take(LARGEST + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| format!("stdin cannot be read: {error}"))?;
    if bytes.len() as u64 > LARGEST {
        return Err(format!("stdin holds more than {} KiB", LARGEST / 1024));
    }
    let text = String::from_utf8(bytes).map_err(|_| "stdin is not UTF-8".to_owned())?;
    let line = text.strip_suffix('\n').unwrap_or(&text);
    let line = line.strip_suffix('\r').unwrap_or(line);
    if line.is_empty() {
        return Err("stdin is empty".to_owned());
    }
    Ok(Secret::new(line))
}

/// More than any password or token (bytes).
const LARGEST: u64 = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_what_stdin_holds_without_the_end_of_its_line() {
        for (bytes, expected) in [
            (&b"hunter2"[..], Ok("hunter2")),
            (b"hunter2\n", Ok("hunter2")),
            (b"hunter2\r\n", Ok("hunter2")),
            (b"two words \n", Ok("two words ")),
            (b"", Err("stdin is empty")),
            (b"\n", Err("stdin is empty")),
            (b"\xff", Err("stdin is not UTF-8")),
        ] {
            let read = password(bytes);
            let shown = read.as_ref().map(Secret::expose).map_err(String::as_str);
            assert_eq!(shown, expected);
        }
        let long = vec![b'x'; 64 * 1024 + 1];
        let error = password(&long[..]).err();
        assert_eq!(error.as_deref(), Some("stdin holds more than 64 KiB"));
    }
}
