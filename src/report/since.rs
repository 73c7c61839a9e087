//! What happened since a check last worked, in one line.

use super::json::timestamp;
use crate::store::Since;

pub(super) fn line(since: &Since) -> String {
    match since {
        Since::NeverWorked => "has not worked since the exporter started".to_owned(),
        Since::Worked { at, changed } if changed.is_empty() => {
            format!(
                "last worked {}; nothing visible changed since",
                timestamp(*at)
            )
        }
        Since::Worked { at, changed } => {
            let changed: Vec<String> = changed
                .iter()
                .map(|(what, at)| format!("{} ({})", what.as_str(), timestamp(*at)))
                .collect();
            let changed = changed.join(", ");
            format!("last worked {}; changed since: {changed}", timestamp(*at))
        }
    }
}
