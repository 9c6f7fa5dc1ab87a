//! Which ports of the loopback interface a bed uses, and whether they are free. It does not know who listens there.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use super::errors::BedError;

/// A port for each that listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ports {
    /// etcd, for clients.
    pub(crate) etcd: u16,
    /// etcd, for other members, of which there are none.
    pub(crate) etcd_peers: u16,
    /// The API server, TLS.
    pub(crate) apiserver: u16,
    /// The controller manager: health and metrics, TLS.
    pub(crate) controllers: u16,
    /// The scheduler: health and metrics, TLS.
    pub(crate) scheduler: u16,
    /// KWOK: health and metrics, plain.
    pub(crate) kwok: u16,
}

impl Ports {
    /// Six free ports, or six in a row from `first` on, of which the first is the API server's.
    ///
    /// # Errors
    /// When one of the ports that were asked for is taken, or the system has no free ones.
    pub(crate) fn choose(first: Option<u16>) -> Result<Ports, BedError> {
        let [apiserver, etcd, etcd_peers, controllers, scheduler, kwok] = match first {
            None => free()?,
            Some(first) => in_a_row(first)?,
        };
        Ok(Ports { etcd, etcd_peers, apiserver, controllers, scheduler, kwok })
    }
}

/// Ports that nobody uses now. All are held until all are found, so no two are the same.
///
/// # Errors
/// When the system gives none.
pub(crate) fn free<const N: usize>() -> Result<[u16; N], BedError> {
    let mut held = Vec::new();
    let mut ports = [0; N];
    for port in &mut ports {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(BedError::NoPorts)?;
        *port = listener.local_addr().map_err(BedError::NoPorts)?.port();
        held.push(listener);
    }
    Ok(ports)
}

fn in_a_row<const N: usize>(first: u16) -> Result<[u16; N], BedError> {
    let mut ports = [first; N];
    for (port, more) in ports.iter_mut().zip(0_u16..) {
        *port = first.checked_add(more).ok_or_else(|| {
            BedError::Usage(format!("--port {first} leaves no room for {N} ports below 65536: give a smaller one"))
        })?;
        if !is_free(*port) {
            return Err(BedError::Taken(*port));
        }
    }
    Ok(ports)
}

/// Whether nobody listens there.
pub(crate) fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

/// Whether somebody answers there.
pub(crate) fn answers(port: u16) -> bool {
    TcpStream::connect_timeout(&SocketAddr::from((Ipv4Addr::LOCALHOST, port)), Duration::from_millis(200)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_ports_are_all_different_and_free() {
        let ports: [u16; 6] = free().expect("the loopback interface has free ports");
        let mut different = ports.to_vec();
        different.sort_unstable();
        different.dedup();
        assert_eq!(different.len(), 6);
        assert!(!ports.contains(&0));
    }

    #[test]
    fn a_port_in_use_is_named() {
        let holder = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("the loopback interface has free ports");
        let port = holder.local_addr().expect("a bound socket has an address").port();
        assert!(!is_free(port) && answers(port));
        assert!(matches!(Ports::choose(Some(port)), Err(BedError::Taken(taken)) if taken == port));
        drop(holder);
        assert!(!answers(port));
    }

    #[test]
    fn a_row_past_the_last_port_is_refused() {
        assert!(matches!(Ports::choose(Some(65_534)), Err(BedError::Usage(_) | BedError::Taken(_))));
    }
}
