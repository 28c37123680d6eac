//! The agent's sampler as a whole against the simulated sensor, in virtual time: every row of the fault matrix that lies
//! between the two, and a day's outages with the sensor's own history. The tests are named after the rows.

mod gateway;
mod history;
mod line;
mod sensor;
