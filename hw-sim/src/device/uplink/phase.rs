//! The phases of the modem's work, in the order of a success.

/// One step of the modem's work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::device) enum Phase {
    /// After a boot or a restart of the modem: it is asked whether it is there.
    Respond,
    Echo,
    DeepSleepUrc,
    Model,
    Imei,
    Sim,
    DataFormat,
    Bands,
    Apn,
    /// Later cycles begin here.
    Wake,
    Signal,
    Information,
    PowerSaving,
    Dns,
    Resolve,
    UploadStart,
    Measure,
    Open,
    Connect,
    Subscribe,
    Upload,
    Sent,
    Receive,
    Close,
    /// PS-CB waits long for a connection that does not close.
    CloseFails,
    Complete,
    End,
    Sleep,
}
