//! A transcript in real time: one side of it is played, the other side is held against it.

mod difference;
mod error;

mod device_side;
mod host_side;

pub(crate) use device_side::DeviceSide;
pub(crate) use difference::Difference;
pub(crate) use error::ReplayError;
pub(crate) use host_side::HostSide;
