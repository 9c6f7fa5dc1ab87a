//! MIME archives, which is how cloud-init takes several documents as one: which parts one has, byte for byte, and how one is
//! written (spec aws-provider 6.5, 6.6). What is in a part is not known here.

use super::UserDataError;
use mail_parser::{MessageParser, MimeHeaders, PartType};

/// Content type of a shell script.
pub(super) const SHELL_SCRIPT: &str = "text/x-shellscript; charset=\"us-ascii\"";
/// Content type of a NodeConfig.
pub(super) const NODE_CONFIG: &str = "application/node.eks.aws";

const BOUNDARY: &str = "//";
/// Headers without which the body of a part means something else.
const CONTENT_HEADERS: [&str; 2] = ["content-type", "content-transfer-encoding"];

/// Documents in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Archive {
    pub(super) parts: Vec<Part>,
}

/// A document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    /// Header lines by name, the values as they were written.
    headers: Vec<(String, String)>,
    body: String,
}

impl Part {
    pub(super) fn new(content_type: &str, body: &str) -> Self {
        Self { headers: vec![("Content-Type".to_owned(), content_type.to_owned())], body: without_returns(body) }
    }

    /// The part without headers such as file names. How its body is encoded stays, or nobody could read it.
    pub(super) fn with_content_headers_only(mut self) -> Self {
        self.headers.retain(|(name, _)| CONTENT_HEADERS.contains(&name.to_lowercase().as_str()));
        self
    }
}

impl Archive {
    /// The archive that the text is, or none if the text does not begin as one.
    ///
    /// # Errors
    /// If it begins as one and is none, or none of several parts.
    pub(super) fn read(text: &str) -> Result<Option<Self>, UserDataError> {
        let text = without_returns(text.trim());
        if !text.starts_with("MIME-Version:") && !text.starts_with("Content-Type:") {
            return Ok(None);
        }
        let fail = UserDataError::Archive;
        let message = MessageParser::default().parse(text.as_bytes()).ok_or(fail("it cannot be read"))?;
        let root = message.parts.first().ok_or(fail("it cannot be read"))?;
        let content_type = root.content_type().ok_or(fail("it has no Content-Type"))?;
        if !content_type.ctype().eq_ignore_ascii_case("multipart") {
            return Err(fail("it is not of several parts (Content-Type: multipart/mixed)"));
        }
        if content_type.attribute("boundary").is_none_or(str::is_empty) {
            return Err(fail("its Content-Type names no boundary"));
        }
        let PartType::Multipart(parts) = &root.body else { return Err(fail("it has no parts")) };
        let mut archive = Self::default();
        for part in parts.iter().filter_map(|number| message.parts.get(*number as usize)) {
            let slice = |from: u32, to: u32| text.get(from as usize..to as usize).ok_or(fail("it cannot be read"));
            let mut headers = Vec::new();
            for header in &part.headers {
                headers
                    .push((header.name().to_owned(), slice(header.offset_start, header.offset_end)?.trim().to_owned()));
            }
            let body = slice(part.raw_body_offset(), part.raw_end_offset())?.to_owned();
            archive.parts.push(Part { headers, body });
        }
        if archive.parts.is_empty() { Err(fail("it has no parts")) } else { Ok(Some(archive)) }
    }

    /// The archive as text, with line feeds alone.
    pub(super) fn write(&self) -> String {
        let boundary = self.boundary();
        let mut text = format!("MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=\"{boundary}\"\n\n");
        for part in &self.parts {
            text.push_str(&format!("--{boundary}\n"));
            for (name, value) in &part.headers {
                text.push_str(&format!("{name}: {value}\n"));
            }
            text.push_str(&format!("\n{}\n", part.body));
        }
        text.push_str(&format!("--{boundary}--\n"));
        text
    }

    /// `//`, unless a line of some part looks like it.
    fn boundary(&self) -> String {
        let mut boundary = BOUNDARY.to_owned();
        let ends = |boundary: &str| {
            let line = format!("--{boundary}");
            self.parts.iter().any(|part| part.body.lines().any(|l| l.starts_with(&line)))
        };
        while ends(&boundary) {
            boundary.push('/');
        }
        boundary
    }
}

fn without_returns(text: &str) -> String {
    text.replace('\r', "")
}
