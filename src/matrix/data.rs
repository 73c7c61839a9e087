//! The rows, as they stand in the data file.

use std::sync::LazyLock;

use serde::{Deserialize, Deserializer, de::Error};

use super::Versions;
use crate::{outcome::Capability, words};

/// The whole matrix.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Matrix {
    /// Every product that has rows.
    pub products: Vec<Product>,
    /// Words of products that are recognised and of which nothing is known well enough.
    pub without_rows: Vec<String>,
    /// What is known, in the order of the products.
    pub rows: Vec<Row>,
    /// What goes wrong with some of them, and what to do about it.
    pub known_issues: Vec<KnownIssue>,
}

/// A product of the matrix.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Product {
    /// Its word ([`crate::oci::PRODUCTS`]).
    pub product: String,
    /// Its name, for a person.
    pub name: String,
    /// What the source document recommends it for: `yes`, `with fallback`, `for testing`.
    pub recommended: String,
}

/// What one product, or some versions of it, can do with one capability.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// The product's word.
    pub product: String,
    /// Of which versions it is true.
    pub versions: Versions,
    /// Which capability.
    #[serde(deserialize_with = "capability")]
    pub capability: Capability,
    /// What is known.
    pub value: Value,
    /// What a person should know besides; may be empty.
    pub note: String,
    /// Where it is known from; empty only where nothing is known.
    pub source: String,
    /// When that was so: a year, or a year and a month.
    pub date: String,
}

/// What is known of a capability.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value {
    /// The OCI 1.1 referrers API is there.
    Native,
    /// It is not, and clients look for the fallback tag (`sha256-<hex>`).
    Fallback,
    /// It depends on the configuration.
    Partial,
    /// It is there.
    Yes,
    /// It is not.
    No,
    /// It works under conditions, which the note names.
    Limited,
    /// It is there once an account switches it on.
    OptIn,
    /// It is there where the registry's own configuration switches it on.
    IfEnabled,
    /// Nobody looked, or what was seen proves nothing.
    Unknown,
}

/// A known issue of the source document, with its correction.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KnownIssue {
    /// The product's word.
    pub product: String,
    /// Whom it concerns, as a heading.
    pub title: String,
    /// Which answer of a registry of that product is concerned.
    pub when: When,
    /// What is wrong.
    pub issue: String,
    /// What follows from it.
    pub impact: String,
    /// What to do about it.
    pub workaround: String,
    /// Where the source document says something else.
    pub corrects: String,
    /// Where it is known from.
    pub source: String,
    /// When that was so.
    pub date: String,
}

/// What a check must have said for an issue to concern it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// The referrers API was proven to be missing.
    ReferrersUnsupported,
    /// The registry limits the rate of requests.
    RateLimited,
}

/// The matrix that this program was built with.
pub fn matrix() -> &'static Matrix {
    &MATRIX
}

impl Matrix {
    /// The rows of a product for one capability.
    pub fn of<'a>(
        &'a self,
        product: &'a str,
        capability: Capability,
    ) -> impl Iterator<Item = &'a Row> {
        self.rows
            .iter()
            .filter(move |row| row.product == product && row.capability == capability)
    }

    /// A product's name for a person; its word where it has no rows.
    pub fn name<'a>(&'a self, product: &'a str) -> &'a str {
        let mut products = self.products.iter();
        products
            .find(|known| known.product == product)
            .map_or(product, |known| &known.name)
    }
}

impl Value {
    /// Every value with its word.
    pub const ALL: [(Self, &'static str); 9] = [
        (Self::Native, "native"),
        (Self::Fallback, "fallback"),
        (Self::Partial, "partial"),
        (Self::Yes, "yes"),
        (Self::No, "no"),
        (Self::Limited, "limited"),
        (Self::OptIn, "opt_in"),
        (Self::IfEnabled, "if_enabled"),
        (Self::Unknown, "unknown"),
    ];

    /// The word in the data file.
    pub fn as_str(self) -> &'static str {
        words::word(&Self::ALL, self)
    }

    /// Whether a registry is expected to have the capability; `None` where the value
    /// is no expectation.
    pub fn expects(self) -> Option<bool> {
        match self {
            Self::Native | Self::Yes => Some(true),
            Self::Fallback | Self::No => Some(false),
            Self::Partial | Self::Limited | Self::OptIn | Self::IfEnabled | Self::Unknown => None,
        }
    }
}

impl When {
    /// Every case with its word.
    pub const ALL: [(Self, &'static str); 2] = [
        (Self::ReferrersUnsupported, "referrers_unsupported"),
        (Self::RateLimited, "rate_limited"),
    ];
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        of_table(&Self::ALL, deserializer)
    }
}

impl<'de> Deserialize<'de> for When {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        of_table(&Self::ALL, deserializer)
    }
}

fn capability<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Capability, D::Error> {
    of_table(&Capability::ALL, deserializer)
}

fn of_table<'de, T: Copy, D: Deserializer<'de>>(
    table: &[(T, &'static str)],
    deserializer: D,
) -> Result<T, D::Error> {
    let word = String::deserialize(deserializer)?;
    words::value(table, &word).ok_or_else(|| D::Error::custom(format!("unknown word `{word}`")))
}

/// The file is built in and a test holds that it can be read, so the default is never seen.
static MATRIX: LazyLock<Matrix> = LazyLock::new(|| serde_json::from_str(FILE).unwrap_or_default());

const FILE: &str = include_str!("registries.json");

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::oci::PRODUCTS;

    #[test]
    fn the_data_file_can_be_read() {
        let matrix: Matrix = serde_json::from_str(FILE).expect("registries.json");
        assert!(matrix.rows.len() > 60);
    }

    #[test]
    fn words_and_values_are_one_to_one() {
        for (value, word) in Value::ALL {
            assert_eq!(value.as_str(), word);
            assert_eq!(words::value(&Value::ALL, word), Some(value));
        }
        for (when, word) in When::ALL {
            assert_eq!(words::value(&When::ALL, word), Some(when));
        }
    }

    #[test]
    fn every_recognised_product_has_rows_or_is_listed_as_without() {
        let rows: BTreeSet<&str> = matrix().rows.iter().map(|it| it.product.as_str()).collect();
        let listed: BTreeSet<&str> = matrix()
            .products
            .iter()
            .map(|it| it.product.as_str())
            .collect();
        assert_eq!(
            rows, listed,
            "products with rows against the list of products"
        );
        let without = matrix().without_rows.iter().map(String::as_str);
        let known: Vec<&str> = listed.into_iter().chain(without).collect();
        let distinct: BTreeSet<&str> = known.iter().copied().collect();
        assert_eq!(known.len(), distinct.len(), "a product stands twice");
        assert_eq!(distinct, PRODUCTS.into_iter().collect());
    }

    #[test]
    fn a_row_says_where_and_when_it_was_known() {
        for row in &matrix().rows {
            let about = format!("{} {}", row.product, row.capability.as_str());
            assert_eq!(
                row.source.is_empty(),
                row.value == Value::Unknown && row.note.is_empty(),
                "{about}"
            );
            let (year, month) = row.date.split_once('-').unwrap_or((&row.date, "01"));
            assert!((2022..2100).contains(&year.parse().unwrap_or(0)), "{about}");
            assert!((1..13).contains(&month.parse().unwrap_or(0)), "{about}");
        }
    }

    #[test]
    fn only_the_referrers_api_is_native_or_fallback() {
        for row in &matrix().rows {
            let referrers = row.capability == Capability::ReferrersApi;
            let own = matches!(row.value, Value::Native | Value::Fallback | Value::Partial);
            assert!(referrers == own || row.value == Value::Unknown, "{row:?}");
        }
    }

    #[test]
    fn no_two_rows_speak_of_the_same() {
        let mut seen = BTreeSet::new();
        for row in &matrix().rows {
            let key = (&row.product, row.versions.to_string(), row.capability);
            assert!(seen.insert(key), "{row:?}");
        }
    }

    #[test]
    fn the_source_document_recommends_what_it_recommends() {
        let words: BTreeSet<&str> = matrix()
            .products
            .iter()
            .map(|it| it.recommended.as_str())
            .collect();
        assert_eq!(
            words,
            BTreeSet::from(["yes", "with fallback", "for testing"])
        );
    }
}
