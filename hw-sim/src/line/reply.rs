//! Where a reply begins and how far it is: counted from the host's last line end.

/// The lines of the host and what was said since the last of them.
#[derive(Debug, Default)]
pub(super) struct Reply {
    /// Lines that the host has sent.
    pub(super) number: u64,
    /// Line ends from the sensor since.
    pub(super) lines: u32,
    /// Whether the sensor said anything since.
    pub(super) begun: bool,
    after_cr: bool,
}

impl Reply {
    /// A byte of the host; whether it ends a line. CR LF is one line end.
    pub(super) fn host_sends(&mut self, byte: u8) -> bool {
        let ends = byte == b'\r' || (byte == b'\n' && !self.after_cr);
        self.after_cr = byte == b'\r';
        if ends {
            self.number += 1;
            (self.lines, self.begun) = (0, false);
        }
        ends
    }

    /// A byte of the sensor.
    pub(super) fn sensor_sends(&mut self, byte: u8) {
        self.begun = true;
        self.lines += u32::from(byte == b'\n');
    }
}
