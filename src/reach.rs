//! From where an address can be reached, as far as its range tells.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The part of the network that a host is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// The internet.
    Public,
    /// A private network, or a name that no public suffix ends.
    Private,
    /// One link; the clouds' metadata services are here, also those with
    /// addresses of other ranges.
    LinkLocal,
    /// This machine.
    Loopback,
    /// Nothing that a request can be sent to.
    Nowhere,
}

/// Where an address is.
pub fn of_address(address: IpAddr) -> Reach {
    match address {
        IpAddr::V4(address) => of_v4(address),
        IpAddr::V6(address) => of_v6(address),
    }
}

fn of_v4(address: Ipv4Addr) -> Reach {
    let [a, b, ..] = address.octets();
    if METADATA_V4.contains(&address) {
        Reach::LinkLocal
    } else if a == 0 || address.is_loopback() {
        // 0.0.0.0 connects to this machine.
        Reach::Loopback
    } else if address.is_link_local() {
        Reach::LinkLocal
    } else if address.is_private()
        || (a == 100 && (64..128).contains(&b))
        || (a == 198 && (18..20).contains(&b))
    {
        // RFC 1918, RFC 6598 (carrier NAT), RFC 2544 (benchmarks).
        Reach::Private
    } else if a >= 224 {
        Reach::Nowhere
    } else {
        Reach::Public
    }
}

fn of_v6(address: Ipv6Addr) -> Reach {
    let segments = address.segments();
    let first = segments[0];
    if address == METADATA_V6 {
        Reach::LinkLocal
    } else if let Some(inner) = inner_v4(address) {
        of_v4(inner)
    } else if address.is_loopback() || address.is_unspecified() {
        Reach::Loopback
    } else if first & 0xffc0 == 0xfe80 {
        Reach::LinkLocal
    } else if first & 0xfe00 == 0xfc00 || first & 0xffc0 == 0xfec0 {
        // RFC 4193, and the site-local range before it.
        Reach::Private
    } else if address.is_multicast() {
        Reach::Nowhere
    } else {
        Reach::Public
    }
}

/// The IPv4 address that a mapped, translated (RFC 6052) or 6to4 address leads to.
fn inner_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let from = |high: u16, low: u16| Ipv4Addr::from_bits((u32::from(high) << 16) | u32::from(low));
    match address.segments() {
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            Some(from(high, low))
        }
        [0x2002, high, low, ..] => Some(from(high, low)),
        _ => None,
    }
}

/// Alibaba's and Oracle's old metadata services; the others' are link-local.
const METADATA_V4: [Ipv4Addr; 2] = [
    Ipv4Addr::new(100, 100, 100, 200),
    Ipv4Addr::new(192, 0, 0, 192),
];
/// Amazon's, over IPv6.
const METADATA_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);
