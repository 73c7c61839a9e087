//! Everything that is tested from outside, in one binary (one link step).

#[cfg(test)]
mod architecture;
#[cfg(test)]
mod asked;
#[cfg(test)]
mod config;
#[cfg(test)]
mod cycle;
#[cfg(test)]
mod exposition;
#[cfg(test)]
mod transport;
