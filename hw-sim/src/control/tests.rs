//! The grammar: what is written is read again, and what is wrong is named.
