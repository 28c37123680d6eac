//! Reads golden transcripts.
