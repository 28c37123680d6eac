//! A transcript cut into exchanges, with a time for each line of the device.
//!
//! The text says when the last byte of a step came, and only for some steps. In between the device's own counters tell the
//! time, where they go up, and the time that 9600 baud needs.

use std::time::Duration;

use hw_sim::transcript::{Start, Step, Transcript};

use crate::reading::{self, Outcome};

/// What goes before a transcript that begins on an open console: the login that opened it.
const LOGIN: &str = "= locked\n> 604218\n< [60000]Password Correct¶\n. 2 s\n";
/// From the host's line, or from silence, to the first line of the device.
const REACTION: Duration = Duration::from_millis(100);
/// One character at 9600 baud, rounded up.
const CHARACTER: Duration = Duration::from_micros(1_042);

/// How the free parts of a transcript are filled in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Manner {
    /// Where in a time window the last byte comes, in per cent.
    pub(crate) lateness: u32,
    /// How many bytes the adapter hands over at once.
    pub(crate) chunk: usize,
    /// Which answers come when the driver has given them up.
    pub(crate) late: Option<Late>,
    /// The device uploads all the time: before each answer it prints a block.
    pub(crate) chatty: bool,
}

/// Every other answer is held back, whatever the transcript says of its time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Late {
    /// So long after the driver has given it up.
    pub(crate) by: Duration,
    /// The first exchange that it may strike: 0 or 1.
    pub(crate) from: usize,
}

impl Manner {
    /// As the transcript says: as early as can be, in between, and as late as can be; by the byte, in odd pieces, by the line.
    pub(crate) const PROMPT: [Self; 3] = [
        Self { lateness: 0, chunk: 1, late: None, chatty: false },
        Self { lateness: 50, chunk: 7, late: None, chatty: false },
        Self { lateness: 100, chunk: 400, late: None, chatty: false },
    ];
    /// As it says, but for a block before each answer.
    pub(crate) const CHATTY: [Self; 2] = [
        Self { lateness: 0, chunk: 5, late: None, chatty: true },
        Self { lateness: 100, chunk: 400, late: None, chatty: true },
    ];
    /// Too late: while the driver waits for quiet, while it waits for its first `AT`, and after that.
    pub(crate) const LATE: [Self; 3] = [
        Self { lateness: 0, chunk: 5, late: Some(Late { by: Duration::from_millis(100), from: 0 }), chatty: false },
        Self { lateness: 50, chunk: 7, late: Some(Late { by: Duration::from_millis(1_200), from: 1 }), chatty: false },
        Self {
            lateness: 100,
            chunk: 400,
            late: Some(Late { by: Duration::from_millis(3_000), from: 0 }),
            chatty: false,
        },
    ];
}

/// Bytes of the device up to a line's end, and when.
#[derive(Clone, Debug)]
pub(crate) struct Cue {
    /// Counted from the host's line.
    pub(crate) at: Duration,
    /// The line with its end, if it has one.
    pub(crate) bytes: Vec<u8>,
}

/// What one line of the host sets off, up to the next line.
#[derive(Clone, Debug, Default)]
pub(crate) struct Exchange {
    /// Where it is in the file; 0 for what is not.
    pub(crate) line: usize,
    /// The host's line; none for what the device says before the first.
    pub(crate) host: Option<String>,
    /// What the device says.
    pub(crate) cues: Vec<Cue>,
    /// When the host may send its next line.
    pub(crate) lasts: Duration,
    /// The answer comes too late: the driver goes on before it, and the device is busy until then.
    pub(crate) late: bool,
    /// How many lines at the beginning are put in, and answer nothing.
    by_itself: usize,
}

impl Exchange {
    /// How long a driver waits for the answer: 8 s, and for a measurement the longest warm-up and 10 s; the log
    /// is 10 kB (device reference 5.3, 6.2, 11, 14.3 and 14.8).
    pub(crate) fn patience(&self) -> Duration {
        let host = self.host.as_deref().unwrap_or_default();
        Duration::from_secs(match host {
            _ if reading::measures(host) => 190,
            _ if reading::prints_log(host) => 20,
            _ => 8,
        })
    }

    /// Whether the answer comes while the driver still looks for its place: 500 ms of quiet and three times `AT` of 2 s
    /// (device reference 14.2 and 14.3).
    pub(crate) fn comes_before_it_is_given_up(&self) -> bool {
        let end = self.cues.iter().find(|cue| is_end(&cue.bytes));
        end.is_some_and(|end| end.at < self.patience() + Duration::from_millis(6_500))
    }

    /// The answer alone, as bytes.
    pub(crate) fn answer(&self) -> Vec<u8> {
        let end = self.cues.iter().position(|cue| is_end(&cue.bytes)).map_or(0, |end| end + 1);
        let lines = self.cues[self.by_itself..end].iter().flat_map(|cue| cue.bytes.clone());
        lines.chain(*b"\r\n").collect()
    }

    /// An answer with nothing behind it.
    fn can_be_late(&self) -> bool {
        let answered = matches!(reading::outcome(self), Outcome::Answered(..));
        let ends = self.cues.iter().rposition(|cue| is_end(&cue.bytes));
        let silent = |end: usize| self.cues[end + 1..].iter().all(|cue| cue.bytes.trim_ascii().is_empty());
        answered && ends.is_some_and(silent) && self.cues.last().is_some_and(|cue| cue.at == self.lasts)
    }

    /// A block that nobody asked for comes right before the answer, and is like no other.
    fn upload_before(&mut self, index: usize) {
        let Some(at) = self.cues.first().map(|cue| cue.at) else { return };
        let current = format!("[4]IDC_Input:5.{index:03} mA");
        let lines = ["[0]BAT:3.572 V", "[1]IN1:0", "[2]IN2:0", "[3]GPIO_EXTI:0", &current, "[5]VDC_Input:0.012 V"];
        let block = lines.iter().map(|line| Cue { at, bytes: format!("{line}\r\n").into_bytes() });
        self.cues.splice(..0, block);
        self.by_itself = lines.len();
    }

    fn delay(&mut self, by: Duration) {
        let by = self.patience() + by;
        self.cues.iter_mut().for_each(|cue| cue.at += by);
        self.lasts += by;
        self.late = true;
    }
}

/// A whole transcript.
#[derive(Debug, Default)]
pub(crate) struct Score {
    pub(crate) exchanges: Vec<Exchange>,
    /// Lines of the host that no driver can send; what the device said to them is left out.
    pub(crate) refused: Vec<String>,
}

impl Score {
    /// Reads a transcript's text.
    pub(crate) fn read(text: &str, manner: Manner) -> Result<Self, String> {
        let transcript = Transcript::parse(text).map_err(|error| error.to_string())?;
        let mut writer = Writer::new(manner);
        if transcript.start == Start::Unlocked {
            let login = Transcript::parse(LOGIN).map_err(|error| error.to_string())?;
            login.steps.iter().for_each(|step| writer.write(0, step, None));
        }
        for (index, step) in transcript.steps.iter().enumerate() {
            writer.write(transcript.lines[index], step, transcript.steps.get(index + 1));
        }
        let mut score = writer.end();
        if let Some(late) = manner.late {
            let others = score.exchanges.iter_mut().skip(late.from).step_by(2);
            others.filter(|exchange| exchange.can_be_late()).for_each(|exchange| exchange.delay(late.by));
        }
        if manner.chatty {
            let answered = |exchange: &&mut Exchange| matches!(reading::outcome(exchange), Outcome::Answered(..));
            let answers = score.exchanges.iter_mut().filter(answered).enumerate();
            answers.for_each(|(index, exchange)| exchange.upload_before(index));
        }
        Ok(score)
    }
}

/// A line that can be sent as it is: printable ASCII, not empty, not too long for the driver.
pub(crate) fn can_be_sent(host: &str) -> bool {
    !host.is_empty() && host.len() <= 200 && is_plain(host)
}

/// A line without control bytes; the format writes them with a backslash.
pub(crate) fn is_plain(host: &str) -> bool {
    host.bytes().all(|byte| (b' '..=b'~').contains(&byte)) && !host.contains('\\')
}

struct Writer {
    manner: Manner,
    score: Score,
    open: Exchange,
    /// When the last time that the text gives was; windows count from there.
    since: Duration,
    /// The host has sent, and nothing has happened since.
    in_flight: bool,
}

impl Writer {
    fn new(manner: Manner) -> Self {
        Self { manner, score: Score::default(), open: Exchange::default(), since: Duration::ZERO, in_flight: false }
    }

    fn write(&mut self, line: usize, step: &Step, next: Option<&Step>) {
        match (step, next) {
            // A driver has one command in flight: of lines that follow each other, it sends the first.
            (Step::Host(_), _) if self.in_flight => {}
            (Step::Host(host), _) => self.begin(line, host),
            (Step::Device(pattern), Some(Step::Within(from, to))) => {
                let last = *from + (*to - *from) * self.manner.lateness / 100;
                self.say(&pattern.sample(), Some(self.since + last));
            }
            (Step::Device(pattern), _) => self.say(&pattern.sample(), None),
            (Step::Within(..), _) => self.since = self.open.lasts,
            (Step::Silence(time) | Step::Pass(time), _) => {
                self.open.lasts += *time;
                self.since = self.open.lasts;
            }
            (Step::Told(_), _) => {}
        }
        self.in_flight = matches!(step, Step::Host(_));
    }

    fn begin(&mut self, line: usize, host: &str) {
        let next = Exchange { line, host: Some(host.to_owned()), ..Exchange::default() };
        let ended = std::mem::replace(&mut self.open, next);
        self.since = Duration::ZERO;
        self.close(ended);
    }

    fn close(&mut self, exchange: Exchange) {
        match exchange.host {
            Some(host) if !can_be_sent(&host) => self.score.refused.push(host),
            _ => self.score.exchanges.push(exchange),
        }
    }

    fn end(mut self) -> Score {
        let last = std::mem::take(&mut self.open);
        self.close(last);
        self.score
    }

    /// Adds what a step of the device says, its last byte at that time.
    fn say(&mut self, bytes: &[u8], last: Option<Duration>) {
        let mut cues = timed(bytes, self.open.lasts);
        if let Some(last) = last {
            stretch(&mut cues, self.open.lasts, last);
        }
        self.open.lasts = cues.last().map_or(self.open.lasts, |cue| cue.at);
        self.open.cues.extend(cues);
    }
}

/// The lines of some bytes, each as soon as its counter and its length allow.
fn timed(bytes: &[u8], from: Duration) -> Vec<Cue> {
    let mut cues: Vec<Cue> = Vec::new();
    let mut clock: Option<(u64, Duration)> = None;
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let before = cues.last().map_or(from + REACTION, |cue| cue.at);
        let mut at = before + CHARACTER * u32::try_from(line.len()).unwrap();
        if let Some(counter) = counter(line) {
            if let Some((earlier, then)) = clock {
                at = at.max(then + Duration::from_millis(counter.saturating_sub(earlier)));
            }
            clock = Some((counter, at));
        }
        cues.push(Cue { at, bytes: line.to_vec() });
    }
    cues
}

/// The number in `[123]text`.
fn counter(line: &[u8]) -> Option<u64> {
    let inner = std::str::from_utf8(line).ok()?.strip_prefix('[')?;
    inner.split_once(']')?.0.parse().ok()
}

/// Moves the lines so that the last comes at its time. What the device says by itself behind an answer moves alone.
fn stretch(cues: &mut [Cue], from: Duration, last: Duration) {
    let Some(natural) = cues.last().map(|cue| cue.at) else { return };
    if natural > last {
        let part = (last.saturating_sub(from)).div_duration_f64(natural - from);
        cues.iter_mut().for_each(|cue| cue.at = from + (cue.at - from).mul_f64(part));
        return;
    }
    let answered = cues.iter().rposition(|cue| is_end(&cue.bytes)).map_or(0, |end| end + 1);
    let by_itself = cues[answered..].iter().position(|cue| !cue.bytes.trim_ascii().is_empty());
    let moved = by_itself.map_or(0, |first| answered + first);
    cues[moved..].iter_mut().for_each(|cue| cue.at += last - natural);
}

/// The last line of an answer that says something.
fn is_end(line: &[u8]) -> bool {
    matches!(line.trim_ascii(), b"OK" | b"AT_PARAM_ERROR" | b"ERROR")
}
