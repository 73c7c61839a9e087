//! Certificates and keys, inline or in a file of their own.

use std::path::Path;

use crate::{file, secret::Secret};

use crate::config::{
    load::LARGEST_FILE,
    problem::{ConfigError, ConfigErrors},
    quote::listed,
    section::Section,
    tree::{self, Place},
};

/// PEM text and the key that brought it. What it holds is never shown.
#[derive(Debug, Clone)]
pub struct Pem {
    content: Secret,
    place: ConfigError,
}

impl Pem {
    /// The text, as it was when the web configuration file was read.
    pub fn content(&self) -> &[u8] {
        self.content.expose().as_bytes()
    }

    /// What is wrong with it, said with its place.
    pub fn error(&self, problem: &str, hint: &str) -> ConfigErrors {
        let about = &self.place.message;
        ConfigErrors::from(ConfigError {
            message: format!("{about}{problem}"),
            hint: hint.to_owned(),
            ..self.place.clone()
        })
    }
}

/// The file that is read, for the places in it and the paths that begin there.
pub(super) struct Base<'a> {
    pub(super) file: &'a str,
    pub(super) text: &'a str,
    pub(super) folder: &'a Path,
}

impl Base<'_> {
    /// The PEM under `key` or in the file that `key_file` names.
    pub(super) fn pem(&self, section: &Section<'_>, key: &'static str) -> Option<Pem> {
        let file_key = format!("{key}_file");
        if section.has(key) && section.has(&file_key) {
            section.refuse_at(
                &section.spot_of(&file_key),
                format!("{} name the same thing", listed(&[key, &file_key])),
                "keep one of them",
            );
            return None;
        }
        if let Some((text, item)) = section.text(key) {
            if text.trim().is_empty() {
                item.refuse("it is empty", "write the PEM text below it, behind `|`");
                return None;
            }
            return Some(self.placed(section, key, "", text.to_owned()));
        }
        let (text, item) = section.text(&file_key)?;
        if text.trim().is_empty() || text.contains(char::is_control) || text.contains("-----") {
            item.refuse(
                "this is no path of a file",
                format!("name the file, or write the PEM text under `{key}`"),
            );
            return None;
        }
        let path = self.folder.join(text);
        let shown = path.display();
        match file::read(&path, LARGEST_FILE as u64).map(String::from_utf8) {
            Ok(Ok(content)) if content.len() <= LARGEST_FILE => {
                Some(self.placed(section, &file_key, &format!("`{shown}` "), content))
            }
            Ok(_) => {
                item.refuse(format!("`{shown}` is not PEM"), "name a file in PEM form");
                None
            }
            Err(error) => {
                item.refuse(
                    format!("`{shown}` cannot be read: {error}"),
                    "check the path, and that the exporter's user may read it; a relative one begins at the folder of this file",
                );
                None
            }
        }
    }

    fn placed(&self, section: &Section<'_>, key: &str, about: &str, content: String) -> Pem {
        let spot = section.spot_of(key);
        let position = match spot.place {
            Place::Part(part) => tree::locate(self.text, part),
            Place::Environment => None,
        };
        Pem {
            content: Secret::new(content),
            place: ConfigError {
                file: Some(self.file.to_owned()),
                position,
                path: spot.path,
                message: about.to_owned(),
                hint: String::new(),
            },
        }
    }
}
