//! Values of the document that are more than JSON's own kinds.

use std::time::{Duration, SystemTime};

use serde::{Deserialize, Deserializer, de::Error};

use crate::{
    outcome::{Capability, Change, CheckName, Reason, Status},
    words,
};

pub(super) fn check<'de, D: Deserializer<'de>>(deserializer: D) -> Result<CheckName, D::Error> {
    let id = String::deserialize(deserializer)?;
    let known = CheckName::ALL
        .into_iter()
        .find(|(check, _)| check.id() == id);
    known
        .map(|(check, _)| check)
        .ok_or_else(|| unknown("check", &id))
}

pub(super) fn status<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Status, D::Error> {
    let word = String::deserialize(deserializer)?;
    words::value(&Status::ALL, &word).ok_or_else(|| unknown("status", &word))
}

pub(super) fn reason<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Reason>, D::Error> {
    let Some(word) = Option::<String>::deserialize(deserializer)? else {
        return Ok(None);
    };
    let reason = words::value(&Reason::ALL, &word);
    reason.map(Some).ok_or_else(|| unknown("reason", &word))
}

pub(super) fn capability<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Capability, D::Error> {
    let word = String::deserialize(deserializer)?;
    words::value(&Capability::ALL, &word).ok_or_else(|| unknown("capability", &word))
}

pub(super) fn change<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Change, D::Error> {
    let word = String::deserialize(deserializer)?;
    words::value(&Change::ALL, &word).ok_or_else(|| unknown("change", &word))
}

fn unknown<E: Error>(what: &str, word: &str) -> E {
    E::custom(format_args!("unknown {what} `{word}`"))
}

pub(super) fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SystemTime, D::Error> {
    let text = String::deserialize(deserializer)?;
    let time: Result<jiff::Timestamp, _> = text.parse();
    time.map_err(drop)
        .and_then(|time| SystemTime::try_from(time).map_err(drop))
        .map_err(|()| D::Error::custom(format_args!("`{text}` is no time of RFC 3339")))
}

pub(super) fn some_time<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<SystemTime>, D::Error> {
    #[derive(Deserialize)]
    struct Time(#[serde(deserialize_with = "time")] SystemTime);
    let time = Option::<Time>::deserialize(deserializer)?;
    Ok(time.map(|Time(time)| time))
}

pub(super) fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let seconds = f64::deserialize(deserializer)?;
    Duration::try_from_secs_f64(seconds)
        .map_err(|_| D::Error::custom(format_args!("{seconds:?} seconds are no duration")))
}

pub(super) fn some_seconds<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Duration>, D::Error> {
    #[derive(Deserialize)]
    struct Seconds(#[serde(deserialize_with = "seconds")] Duration);
    let seconds = Option::<Seconds>::deserialize(deserializer)?;
    Ok(seconds.map(|Seconds(seconds)| seconds))
}
