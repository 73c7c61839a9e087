//! What a check may answer: status, reason, facts, evidence, and the report made of them.

mod capability;
mod evidence;
mod fact;
mod observation;
mod reason;
mod report;
mod status;
mod upload;

pub use capability::{Capability, Support};
pub use evidence::{Evidence, Value};
pub use fact::Fact;
pub use observation::{Change, Fingerprint, Observation, Phases};
pub use reason::Reason;
pub use report::{CheckName, Outcome, Report, Subject};
pub use status::{Severity, Status};
pub use upload::SessionEnd;
