//! The ports of a node that a pod wants for itself.
//!
//! Containers count, and init containers that stay (sidecars); other init containers are gone before anything else could
//! want their ports (specification "scheduling" 4.10). What the API server would fill in is filled in here, since
//! manifests in files never saw one.

use core::net::IpAddr;
use dovetail_scheduler::problem::HostPort;
use k8s_openapi::api::core::v1::{Container, ContainerPort, PodSpec};

/// A port that cannot be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct PortError {
    /// Where it stands, as in `containers[main].ports[0].hostPort`.
    pub field: String,
    /// What is wrong with it, and what would be right.
    pub problem: String,
}

/// The ports of its node that a pod takes, sorted.
///
/// # Errors
/// With the first that cannot be read.
pub fn of_pod(spec: &PodSpec) -> Result<Vec<HostPort>, PortError> {
    let on_host = spec.host_network == Some(true);
    let stays = |c: &&Container| c.restart_policy.as_deref() == Some("Always");
    let sidecars = spec.init_containers.iter().flatten().filter(stays);
    let mut out = vec![];
    let containers = spec.containers.iter().map(|c| ("containers", c));
    for (list, container) in containers.chain(sidecars.map(|c| ("initContainers", c))) {
        for (i, port) in container.ports.iter().flatten().enumerate() {
            let bad = |(field, problem): (&str, String)| PortError {
                field: format!("{list}[{}].ports[{i}].{field}", container.name),
                problem,
            };
            out.extend(host_port(port, on_host).map_err(bad)?);
        }
    }
    out.sort();
    out.dedup();
    Ok(out)
}

/// The port of the node, if it is one: in the host's network every port is.
fn host_port(port: &ContainerPort, on_host: bool) -> Result<Option<HostPort>, (&'static str, String)> {
    let (field, number) = match port.host_port {
        Some(number) if number != 0 => ("hostPort", number),
        _ if on_host => ("containerPort", port.container_port),
        _ => return Ok(None),
    };
    let number = u16::try_from(number)
        .ok()
        .filter(|n| *n != 0)
        .ok_or_else(|| (field, format!("{number} is no port: write 1 to 65535")))?;
    let protocol = match port.protocol.as_deref() {
        None | Some("") => "TCP",
        Some(known @ ("TCP" | "UDP" | "SCTP")) => known,
        Some(other) => return Err(("protocol", format!("unknown protocol {other:?}: use TCP, UDP or SCTP"))),
    };
    let ip = match port.host_ip.as_deref() {
        None | Some("") => None,
        Some(text) => {
            let ip: IpAddr = text
                .parse()
                .map_err(|_| ("hostIP", format!("{text:?} is no IP address: write for instance 127.0.0.1 or ::1")))?;
            // One address has many texts; and to listen on no particular address is to listen on all.
            Some(ip.to_canonical()).filter(|ip| !ip.is_unspecified()).map(|ip| ip.to_string().into())
        }
    };
    Ok(Some(HostPort { ip, port: number, protocol: protocol.into() }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn ports(spec: Value) -> Result<Vec<String>, String> {
        let spec: PodSpec = serde_json::from_value(spec).expect("the shape of a pod");
        let text = |p: HostPort| format!("{} {} {}", p.ip.as_deref().unwrap_or("*"), p.port, p.protocol);
        of_pod(&spec).map(|ports| ports.into_iter().map(text).collect()).map_err(|e| e.to_string())
    }

    fn listening(ports: Value) -> Value {
        json!({"name": "main", "ports": ports})
    }

    #[test]
    fn only_ports_of_the_host_count() {
        let main = listening(json!([{"containerPort": 80}, {"containerPort": 81, "hostPort": 8081}]));
        assert_eq!(ports(json!({"containers": [main]})), Ok(vec!["* 8081 TCP".to_owned()]));
    }

    #[test]
    fn in_the_network_of_the_host_every_port_is_one() {
        let main = listening(json!([{"containerPort": 80}, {"containerPort": 53, "protocol": "UDP", "hostPort": 53}]));
        assert_eq!(
            ports(json!({"hostNetwork": true, "containers": [main]})),
            Ok(vec!["* 53 UDP".to_owned(), "* 80 TCP".to_owned()])
        );
    }

    #[test]
    fn addresses_are_compared_as_addresses_and_the_unspecified_one_is_all() {
        let of = |ip: &str| {
            let main = listening(json!([{"containerPort": 80, "hostPort": 80, "hostIP": ip}]));
            ports(json!({"containers": [main]})).map(|p| p.concat())
        };
        for all in ["", "0.0.0.0", "::", "0:0::0"] {
            assert_eq!(of(all), Ok("* 80 TCP".to_owned()), "{all}");
        }
        assert_eq!(of("2001:DB8::0:1"), Ok("2001:db8::1 80 TCP".to_owned()));
        assert_eq!(of("::ffff:10.0.0.1"), of("10.0.0.1"));
        assert!(of("localhost").expect_err("a name").starts_with("containers[main].ports[0].hostIP: \"localhost\" is"));
    }

    #[test]
    fn sidecars_keep_their_ports_and_other_init_containers_do_not() {
        let init = |name: &str, port: u16, policy: Value| {
            let mut init = json!({"name": name, "ports": [{"containerPort": port, "hostPort": port}]});
            init["restartPolicy"] = policy;
            init
        };
        let spec = json!({
            "containers": [], "initContainers": [init("early", 1, Value::Null), init("proxy", 2, json!("Always"))],
        });
        assert_eq!(ports(spec), Ok(vec!["* 2 TCP".to_owned()]));
    }

    #[test]
    fn what_is_no_port_is_named_with_its_place() {
        let of = |port: Value| ports(json!({"containers": [listening(json!([port]))]})).expect_err("no port");
        assert_eq!(
            of(json!({"containerPort": 80, "hostPort": 70000})),
            "containers[main].ports[0].hostPort: 70000 is no port: write 1 to 65535"
        );
        assert_eq!(
            of(json!({"containerPort": 80, "hostPort": 80, "protocol": "tcp"})),
            "containers[main].ports[0].protocol: unknown protocol \"tcp\": use TCP, UDP or SCTP"
        );
    }
}
