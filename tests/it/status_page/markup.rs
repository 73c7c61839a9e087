//! A strict reader of the HTML that the page is made of: every tag is closed by its
//! own, every attribute is quoted or bare, every `<` and `&` of a text is escaped.

/// One start tag, with the tags that it stands in.
#[derive(Debug, Clone)]
pub(crate) struct Tag {
    pub(crate) name: String,
    attributes: Vec<(String, String)>,
    pub(crate) inside: Vec<String>,
}

impl Tag {
    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        let mut all = self.attributes.iter();
        all.find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }
}

/// All that a page holds.
#[derive(Debug, Default)]
pub(crate) struct Markup {
    pub(crate) tags: Vec<Tag>,
    /// Every text, unescaped, with the tag it stands in.
    pub(crate) texts: Vec<(String, String)>,
}

/// # Errors
/// Where the page is not well-formed.
pub(crate) fn read(page: &str) -> Result<Markup, String> {
    let mut rest = page
        .strip_prefix("<!DOCTYPE html>")
        .ok_or("no document type")?;
    let mut markup = Markup::default();
    let mut open: Vec<String> = Vec::new();
    while !rest.is_empty() {
        if open.last().is_some_and(|tag| tag == "style") {
            rest = &rest[rest.find("</style>").ok_or("the style has no end")?..];
        }
        let Some(tag) = rest.strip_prefix('<') else {
            let end = rest.find('<').unwrap_or(rest.len());
            let inside = open.last().cloned().unwrap_or_default();
            markup.texts.push((inside, unescaped(&rest[..end])?));
            rest = &rest[end..];
            continue;
        };
        let end = tag.find('>').ok_or_else(|| format!("no end: {tag:.40}"))?;
        rest = &tag[end + 1..];
        let tag = &tag[..end];
        if let Some(name) = tag.strip_prefix('/') {
            let expected = open.pop();
            if expected.as_deref() != Some(name) {
                return Err(format!("</{name}> where {expected:?} is open"));
            }
            continue;
        }
        let tag = start_tag(tag, &open)?;
        if !VOID.contains(&tag.name.as_str()) {
            open.push(tag.name.clone());
        }
        markup.tags.push(tag);
    }
    if open.is_empty() {
        Ok(markup)
    } else {
        Err(format!("never closed: {open:?}"))
    }
}

fn start_tag(text: &str, inside: &[String]) -> Result<Tag, String> {
    let (name, mut rest) = text.split_once(' ').unwrap_or((text, ""));
    if !name
        .bytes()
        .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    {
        return Err(format!("no name of a tag: {name}"));
    }
    let mut attributes: Vec<(String, String)> = Vec::new();
    while !rest.is_empty() {
        let end = rest.find(['=', ' ']).unwrap_or(rest.len());
        let (key, after) = rest.split_at(end);
        let value;
        (value, rest) = match after.strip_prefix("=\"") {
            Some(quoted) => {
                let end = quoted
                    .find('"')
                    .ok_or_else(|| format!("unquoted: {text}"))?;
                (unescaped(&quoted[..end])?, &quoted[end + 1..])
            }
            None => (String::new(), after),
        };
        rest = rest.strip_prefix(' ').unwrap_or(rest);
        let good = key
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte == b'-');
        if key.is_empty() || !good || attributes.iter().any(|(known, _)| known == key) {
            return Err(format!("the attribute {key:?} in <{text}>"));
        }
        attributes.push((key.to_owned(), value));
    }
    Ok(Tag {
        name: name.to_owned(),
        attributes,
        inside: inside.to_vec(),
    })
}

fn unescaped(text: &str) -> Result<String, String> {
    let mut parts = text.split('&');
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (name, rest) = part
            .split_once(';')
            .ok_or_else(|| format!("a bare &: {text}"))?;
        plain.push(match name {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            _ => return Err(format!("&{name}; in {text}")),
        });
        plain.push_str(rest);
    }
    Ok(plain)
}

const VOID: [&str; 4] = ["meta", "input", "br", "hr"];

#[test]
fn a_page_that_is_not_well_formed_is_found() {
    for (page, good) in [
        ("<p class=\"a b\">x &amp; y<br></p>", true),
        ("<style>a>b{}</style>", true),
        ("<p>", false),
        ("<p></div>", false),
        ("</p>", false),
        ("<p>a & b</p>", false),
        ("<p>a &nbsp; b</p>", false),
        ("<p class=a>x</p>", false),
        ("<p class=\"a\" class=\"b\">x</p>", false),
        ("<p on<b>x</p>", false),
        ("<p title=\"x", false),
    ] {
        let read = read(&format!("<!DOCTYPE html>{page}"));
        assert_eq!(read.is_ok(), good, "{page}: {read:?}");
    }
}
