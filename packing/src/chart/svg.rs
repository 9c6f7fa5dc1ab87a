//! Lines, marks, bars and words as SVG. What they mean is not known here.

use std::fmt::Write as _;

/// Which side of a text stands at its place.
#[derive(Clone, Copy, Debug)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// The shape that marks the points of a series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    Circle,
    Square,
    Triangle,
    Diamond,
    Cross,
}

impl Mark {
    const ALL: [Self; 5] = [Self::Circle, Self::Square, Self::Triangle, Self::Diamond, Self::Cross];

    fn of(series: usize) -> Self {
        Self::ALL[series % Self::ALL.len()]
    }
}

/// Colours in light and in dark, which people who see few colours can tell apart (after Okabe and Ito).
const COLOURS: [(&str, &str); 7] = [
    ("#0072b2", "#56b4e9"),
    ("#c65500", "#ff9248"),
    ("#007a59", "#2fd0a5"),
    ("#a8467c", "#e39cc3"),
    ("#8a6d00", "#e6c229"),
    ("#555555", "#bbbbbb"),
    ("#6a3fb5", "#b79cf0"),
];
const DASHES: [&str; 4] = ["none", "7 4", "2 3", "9 3 2 3"];

/// A picture on its way.
pub(super) struct Canvas {
    text: String,
}

impl Canvas {
    /// An empty picture with a name for those who cannot see it.
    pub(super) fn new(width: f64, height: f64, name: &str) -> Self {
        let mut text = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
             role=\"img\" font-family=\"system-ui, sans-serif\" font-size=\"12\">\n<title>{}</title>\n",
            escaped(name)
        );
        text.push_str("<style>\n.paper{fill:#fff}.ink{fill:#222}.grid{stroke:#ccc;fill:none}\n");
        for (n, (light, dark)) in COLOURS.iter().enumerate() {
            let _ = writeln!(text, ".f{n}{{fill:{light}}}.s{n}{{stroke:{light};fill:none}}");
            let _ = writeln!(
                text,
                "@media (prefers-color-scheme:dark){{.f{n}{{fill:{dark}}}.s{n}{{stroke:{dark};fill:none}}}}"
            );
        }
        text.push_str(
            "@media (prefers-color-scheme:dark){.paper{fill:#161616}.ink{fill:#ddd}.grid{stroke:#444;fill:none}}\n</style>\n\
             <rect class=\"paper\" width=\"100%\" height=\"100%\"/>\n",
        );
        Self { text }
    }

    /// A line through these points.
    pub(super) fn line(&mut self, series: usize, points: &[(f64, f64)]) {
        if points.len() < 2 {
            return;
        }
        let points: Vec<String> = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        let (class, dash) = (series % COLOURS.len(), DASHES[series % DASHES.len()]);
        self.put(&format!(
            "<polyline class=\"s{class}\" stroke-width=\"1.8\" stroke-dasharray=\"{dash}\" points=\"{}\"/>",
            points.join(" ")
        ));
    }

    /// A point of a series; `about` is shown to whoever points at it.
    pub(super) fn mark(&mut self, series: usize, x: f64, y: f64, about: &str) {
        let shape = match Mark::of(series) {
            Mark::Circle => format!("M{:.1} {y:.1}a4.5 4.5 0 1 0 9 0a4.5 4.5 0 1 0 -9 0z", x - 4.5),
            Mark::Square => format!("M{:.1} {:.1}h8v8h-8z", x - 4.0, y - 4.0),
            Mark::Triangle => format!("M{x:.1} {:.1}l5 9h-10z", y - 5.0),
            Mark::Diamond => format!("M{x:.1} {:.1}l5.5 5.5l-5.5 5.5l-5.5 -5.5z", y - 5.5),
            Mark::Cross => {
                format!("M{:.1} {:.1}l3 -3l3 3l3 -3l2 2l-3 3l3 3l-2 2l-3 -3l-3 3l-2 -2l3 -3l-3 -3z", x - 4.0, y - 1.0)
            }
        };
        let class = series % COLOURS.len();
        self.put(&format!("<path class=\"f{class}\" d=\"{shape}\"><title>{}</title></path>", escaped(about)));
    }

    /// A bar from its upper left corner.
    pub(super) fn bar(&mut self, series: usize, at: (f64, f64), size: (f64, f64), about: &str) {
        let class = series % COLOURS.len();
        self.put(&format!(
            "<rect class=\"f{class}\" x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\"><title>{}</title></rect>",
            at.0,
            at.1,
            size.0.max(0.8),
            size.1,
            escaped(about)
        ));
    }

    /// How far a figure may be off.
    pub(super) fn whisker(&mut self, series: usize, from: (f64, f64), to: (f64, f64)) {
        let class = series % COLOURS.len();
        self.put(&format!(
            "<path class=\"s{class}\" stroke-width=\"1\" stroke-opacity=\"0.7\" d=\"M{:.1} {:.1}L{:.1} {:.1}\"/>",
            from.0, from.1, to.0, to.1
        ));
    }

    /// A thin line that belongs to no series.
    pub(super) fn grid(&mut self, from: (f64, f64), to: (f64, f64)) {
        self.put(&format!("<path class=\"grid\" d=\"M{:.1} {:.1}L{:.1} {:.1}\"/>", from.0, from.1, to.0, to.1));
    }

    /// Words.
    pub(super) fn text(&mut self, x: f64, y: f64, anchor: Anchor, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let text = escaped(text);
        self.put(&format!("<text class=\"ink\" x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{text}</text>"));
    }

    /// Small words.
    pub(super) fn small(&mut self, x: f64, y: f64, text: &str) {
        let text = escaped(text);
        self.put(&format!("<text class=\"ink\" x=\"{x:.1}\" y=\"{y:.1}\" font-size=\"10\">{text}</text>"));
    }

    /// The title of a panel.
    pub(super) fn title(&mut self, x: f64, y: f64, text: &str) {
        let text = escaped(text);
        self.put(&format!(
            "<text class=\"ink\" x=\"{x:.1}\" y=\"{y:.1}\" font-size=\"14\" font-weight=\"600\">{text}</text>"
        ));
    }

    /// The picture as a file.
    pub(super) fn finish(mut self) -> String {
        self.put("</svg>");
        self.text
    }

    fn put(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }
}

/// A text in which nothing is markup, and without characters that XML does not allow.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}
