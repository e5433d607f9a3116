//! 使い方: the manual's chapter on the pages, offline, in the same place on every page.

use std::sync::OnceLock;

use askama::Template;
use pulldown_cmark::{Event, HeadingLevel, Parser, Tag, TagEnd, html};

use crate::guard::Visit;
use crate::page::{Chrome, PageResult};

const CHAPTER: &str = include_str!("../../../../docs/ja/guide/screens.md");

#[derive(Template)]
#[template(path = "help.html")]
struct Help {
    c: Chrome,
    sections: &'static [(String, String)],
    chapter: &'static str,
}

/// The chapter as HTML, and its sections: anchor and heading.
fn chapter() -> &'static (String, Vec<(String, String)>) {
    static CHAPTER_HTML: OnceLock<(String, Vec<(String, String)>)> = OnceLock::new();
    CHAPTER_HTML.get_or_init(|| {
        let mut sections = Vec::new();
        let mut inside = false;
        let events = Parser::new(CHAPTER).filter_map(|event| match event {
            Event::Start(Tag::Heading { level: HeadingLevel::H1, .. }) => {
                inside = true;
                None
            }
            Event::End(TagEnd::Heading(HeadingLevel::H1)) => {
                inside = false;
                None
            }
            // The page has its own title; what the file says of itself is not for it.
            _ if inside => None,
            Event::Start(Tag::Heading { level: HeadingLevel::H2, .. }) => {
                let id = format!("s{}", sections.len() + 1);
                sections.push((id.clone(), String::new()));
                Some(Event::Html(format!("<h2 id=\"{id}\">").into()))
            }
            Event::End(TagEnd::Heading(HeadingLevel::H2)) => Some(Event::Html("</h2>\n".into())),
            other => Some(other),
        });
        let events: Vec<Event<'_>> = events.collect();
        let mut at = 0;
        let mut open = false;
        for event in &events {
            match event {
                Event::Html(tag) if tag.starts_with("<h2") => open = true,
                Event::Html(tag) if tag.starts_with("</h2") => {
                    open = false;
                    at += 1;
                }
                Event::Text(text) if open => {
                    if let Some((_, title)) = sections.get_mut(at) {
                        title.push_str(text);
                    }
                }
                _ => {}
            }
        }
        let mut out = String::new();
        html::push_html(&mut out, events.into_iter());
        (out, sections)
    })
}

/// The page.
pub(crate) async fn show(visit: Visit) -> PageResult {
    let (chapter, sections) = chapter();
    visit.page(&Help { c: visit.chrome("help-title"), sections, chapter })
}
