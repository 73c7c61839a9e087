//! A small strict reader of both text formats, written from their specifications
//! and not from the encoder.

/// A page, as far as it is a valid one.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) families: Vec<Family>,
}

#[derive(Debug, Default)]
pub(crate) struct Family {
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) help: String,
    pub(crate) unit: Option<String>,
    pub(crate) samples: Vec<Sample>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sample {
    pub(crate) name: String,
    pub(crate) labels: Vec<(String, String)>,
    pub(crate) value: String,
}

impl Page {
    /// Reads a page; panics on what a scraper would refuse.
    pub(crate) fn parse(text: &str) -> Self {
        let mut families: Vec<Family> = Vec::new();
        let mut lines = text
            .strip_suffix('\n')
            .expect("ends with a newline")
            .split('\n');
        for line in lines.by_ref() {
            if line == "# EOF" {
                break;
            }
            if let Some(help) = line.strip_prefix("# HELP ") {
                let (name, help) = help.split_once(' ').expect("a name and a help text");
                families.push(Family {
                    name: name.to_owned(),
                    help: help.to_owned(),
                    ..Family::default()
                });
                continue;
            }
            let family = families.last_mut().expect("HELP comes first");
            if let Some(kind) = line.strip_prefix("# TYPE ") {
                family.kind = described(family, kind);
            } else if let Some(unit) = line.strip_prefix("# UNIT ") {
                family.unit = Some(described(family, unit));
            } else {
                let sample = Sample::parse(line);
                assert!(sample.name.starts_with(&family.name), "{line}");
                family.samples.push(sample);
            }
        }
        assert_eq!(lines.next(), None, "nothing comes after # EOF");
        Self { families }
    }

    pub(crate) fn samples(&self) -> impl Iterator<Item = &Sample> {
        self.families.iter().flat_map(|family| &family.samples)
    }
}

fn described(family: &Family, text: &str) -> String {
    let (name, what) = text.split_once(' ').expect("a name and a word");
    assert_eq!(name, family.name, "one family is one block");
    what.to_owned()
}

impl Sample {
    fn parse(line: &str) -> Self {
        let end = line.find(['{', ' ']).expect("a value");
        let name = line[..end].to_owned();
        let mut rest = &line[end..];
        let mut labels = Vec::new();
        if let Some(inside) = rest.strip_prefix('{') {
            rest = inside;
            loop {
                let (label, value) = rest.split_once("=\"").expect("a label and its value");
                let (value, after) = unescape(value);
                assert!(labels.iter().all(|(known, _)| known != label), "{line}");
                labels.push((label.to_owned(), value));
                let Some(further) = after.strip_prefix(',') else {
                    rest = after.strip_prefix('}').expect("an end of the labels");
                    break;
                };
                rest = further;
            }
        }
        let value = rest.strip_prefix(' ').expect("one space").to_owned();
        value.parse::<f64>().expect("a number");
        Self {
            name,
            labels,
            value,
        }
    }
}

/// The value up to its closing quote, and what follows that.
fn unescape(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((place, character)) = characters.next() {
        match character {
            '"' => return (value, &text[place + 1..]),
            '\\' => match characters.next().map(|(_, escaped)| escaped) {
                Some('n') => value.push('\n'),
                Some(escaped @ ('"' | '\\')) => value.push(escaped),
                other => panic!("escape {other:?} in {text}"),
            },
            _ => value.push(character),
        }
    }
    panic!("no closing quote in {text}");
}

#[test]
fn the_reader_reads_escapes() {
    let sample = Sample::parse(r#"a_total{x="q\"b\\n\n,}=",y="é"} 1.5"#);
    assert_eq!(sample.name, "a_total");
    assert_eq!(
        sample.labels[0],
        ("x".to_owned(), "q\"b\\n\n,}=".to_owned())
    );
    assert_eq!(sample.labels[1], ("y".to_owned(), "é".to_owned()));
    assert_eq!(sample.value, "1.5");
}
