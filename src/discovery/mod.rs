//! The documents of `registry_files:`: looks at files and servers, and keeps what was last good.
//!
//! ```text
//! files   the files that a path or pattern names -> bytes, or why not
//! remote  one document at a server               -> bytes, or why not
//! known   what is known of each document         -> offers for config
//! ```
//!
//! What a document means is said in `config`. A document that cannot be read, or is refused
//! there, goes on in the content that was last good. A file that is gone takes with it what
//! it added; one that only cannot be read, and a server that does not answer, take nothing.

mod files;
mod known;
mod remote;

use std::{collections::BTreeMap, sync::Arc};

pub use known::Discovery;
pub use remote::Reader;

use crate::config::{Config, ConfigErrors, Load, Main, Whence};

/// What one look at an item of `registry_files:` found, by the names of the documents.
#[derive(Debug, Default)]
pub struct Look {
    found: BTreeMap<Arc<str>, Sight>,
    /// Whether all there is was seen: then what is not among it is gone.
    whole: bool,
}

/// One document as it is now.
#[derive(Debug)]
enum Sight {
    Bytes(Arc<[u8]>),
    /// It may be there.
    Unreadable(String),
    /// It is not there.
    Missing(String),
}

/// The configuration with all that its documents hold now, for a run that ends.
///
/// # Errors
/// All that is wrong with the main file. What is wrong with a document is no error:
/// [`Config::documents`] says it.
pub async fn load(load: &Load) -> Result<Config, ConfigErrors> {
    let main = Main::read(load)?;
    let mut discovery = Discovery::default();
    let config = discovery.read(&main)?;
    let remote: Vec<Whence> = discovery.due(Kind::Remote);
    if remote.is_empty() {
        return Ok(config);
    }
    let reader = Reader::default();
    for whence in remote {
        let look = reader.look(&whence).await;
        discovery.take(&whence, look);
    }
    discovery.compose(&main)
}

/// What an item of `registry_files:` names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Files.
    Files,
    /// A document at a server.
    Remote,
}

impl Kind {
    fn of(whence: &Whence) -> Self {
        match whence {
            Whence::Paths(_) => Self::Files,
            Whence::Url(_) => Self::Remote,
        }
    }
}
