//! What the kernel has counted.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The kernel's counters for this network namespace, since it was made. A counter that this kernel
/// does not keep is `None`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Counters {
    /// Connections that met a full accept queue (`TcpExt ListenOverflows`).
    pub listen_overflows: Option<u64>,
    /// Connections that a listener dropped, for whatever reason (`TcpExt ListenDrops`).
    pub listen_drops: Option<u64>,
    /// SYNs dropped for a full queue (`TcpExt TCPReqQFullDrop`).
    pub request_queue_drops: Option<u64>,
    /// SYNs answered by cookies, for a full queue (`TcpExt TCPReqQFullDoCookies`).
    pub request_queue_cookies: Option<u64>,
    /// Accepts given up for want of memory or a full queue (`TcpExt TCPBacklogDrop`).
    pub backlog_drops: Option<u64>,
    /// Connections reset because a listener was full (`TcpExt TCPAbortFailed` and
    /// `tcp_abort_on_overflow`).
    pub aborted_on_overflow: Option<u64>,
    /// connect() calls (`Tcp ActiveOpens`).
    pub active_opens: Option<u64>,
    /// Connections accepted (`Tcp PassiveOpens`).
    pub passive_opens: Option<u64>,
    /// connect() calls that failed (`Tcp AttemptFails`).
    pub attempt_fails: Option<u64>,
    /// Segments sent again (`Tcp RetransSegs`).
    pub retransmitted: Option<u64>,
    /// TCP sockets in use (`sockstat: TCP inuse`).
    pub tcp_in_use: Option<u64>,
    /// TCP sockets without a process (`sockstat: TCP orphan`).
    pub tcp_orphans: Option<u64>,
    /// Connections in TIME_WAIT (`sockstat: TCP tw`).
    pub tcp_time_wait: Option<u64>,
    /// UDP datagrams dropped for a full receive buffer (`Udp RcvbufErrors`).
    pub udp_receive_drops: Option<u64>,
    /// UDP datagrams that met no socket (`Udp NoPorts`).
    pub udp_no_ports: Option<u64>,
}
