//! Ingest over a real store: what is acknowledged is stored once and judged, whatever comes in whatever order.

mod bench;
mod current;
mod once;
mod presence;
mod refused;
mod scene;
mod tenants;
