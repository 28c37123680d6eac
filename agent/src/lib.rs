//! The agent on the kitchen's gateway: reads the sensors, writes every reading to disk, forwards it, frees it only when the
//! sink says that it is stored and judged.

pub mod buffer;
pub mod clock;
pub mod observation;
pub mod settings;
