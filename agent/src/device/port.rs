//! Opening the serial port: 9600 8N1, no flow control, exclusively, by the configured path.
//!
//! The path is looked up each time, so that a `/dev/serial/by-id/…` link finds its adapter again under another number.
//! Modem lines are never looked at: the device has none, and a pty refuses to be asked.

use std::io;
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_serial::{
    ClearBuffer, DataBits, ErrorKind, FlowControl, Parity, SerialPort as _, SerialPortBuilderExt, SerialStream,
    StopBits,
};

use super::error::DeviceError;

/// The console's only rate (device reference 3).
const BAUD_RATE: u32 = 9600;

/// An open port.
#[derive(Debug)]
pub struct Port(SerialStream);

/// The system would wait up to half a minute for what a sensor that takes nothing has not been sent.
impl Drop for Port {
    fn drop(&mut self) {
        drop(self.0.clear(ClearBuffer::Output));
    }
}

impl AsyncRead for Port {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl AsyncWrite for Port {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}

/// Opens the port.
///
/// # Errors
/// It is missing, held by another program, not ours to open, or not a serial port.
pub fn open(path: &Path) -> Result<Port, DeviceError> {
    let port = path.display().to_string();
    tokio_serial::new(port.as_str(), BAUD_RATE)
        .data_bits(DataBits::Eight)
        .parity(Parity::None)
        .stop_bits(StopBits::One)
        .flow_control(FlowControl::None)
        .exclusive(true)
        .open_native_async()
        .map(Port)
        .map_err(|error| named(port, error))
}

fn named(port: String, error: tokio_serial::Error) -> DeviceError {
    match error.kind {
        ErrorKind::Io(io::ErrorKind::NotFound) => DeviceError::PortMissing { port },
        ErrorKind::Io(io::ErrorKind::PermissionDenied) => DeviceError::PortDenied { port },
        // What the crate makes of a port that is locked by another program.
        ErrorKind::NoDevice => DeviceError::PortInUse { port },
        ErrorKind::Io(_) | ErrorKind::InvalidInput | ErrorKind::Unknown => {
            DeviceError::PortFailed { port, source: error.into() }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_no_port_has_a_name() {
        assert!(matches!(open(Path::new("/dev/no-such-port")), Err(DeviceError::PortMissing { .. })));
        assert!(matches!(open(Path::new("/dev/null")), Err(DeviceError::PortFailed { .. })));
    }
}
