//! Letting a peer in: handshake, certificate, CONNECT.

use kitchen_contract::id::{GatewayId, KitchenId};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::server::TlsStream;

use super::connection::{Connection, Ended, write};
use super::limits::{CONNECT_TIMEOUT, READ_BYTES};
use super::peers::Presence;
use super::policy;
use super::refusal::Refusal;
use super::server::Services;
use super::session::{Connect, Heard, Session};
use super::slots::Slot;
use super::tls;

/// A peer that may come in, and what it brings.
pub(super) struct Admitted {
    pub(super) gateway: GatewayId,
    pub(super) kitchens: Vec<KitchenId>,
    pub(super) stream: TlsStream<TcpStream>,
    pub(super) session: Session,
    pub(super) will: Option<(String, Vec<u8>)>,
    _slot: Slot,
}

/// TLS and CONNECT, within [`CONNECT_TIMEOUT`].
pub(super) async fn admitted(stream: TcpStream, services: &Services) -> Result<(Connection, Presence), Ended> {
    let deadline = Instant::now() + CONNECT_TIMEOUT;
    let nodelay = stream.set_nodelay(true);
    nodelay.map_err(Ended::Lost)?;
    let handshake = timeout_at(deadline, services.acceptor.accept(stream)).await;
    let mut stream = handshake.map_err(|_elapsed| Ended::TooSlow)?.map_err(Ended::Handshake)?;
    let certificate = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first()).cloned();
    let gateway = certificate.as_ref().and_then(tls::gateway_of).ok_or(Ended::Refused("no gateway's certificate"))?;
    let mut session = Session::new();
    let connect = timeout_at(deadline, first_packet(&mut stream, &mut session)).await;
    let connect = connect.map_err(|_elapsed| Ended::TooSlow)??;
    let (kitchens, slot) = match judge_connect(&gateway, &connect, services).await {
        Ok(judged) => judged,
        Err((refusal, reason)) => {
            write(&mut stream, &session.refuse(refusal).send).await?;
            return Err(Ended::Refused(reason));
        }
    };
    let presence = services.peers.enter(&gateway, &services.complaints);
    tracing::info!(gateway.id = %gateway, "gateway connected");
    let admitted = Admitted { gateway, kitchens, stream, session, will: connect.will, _slot: slot };
    Ok((Connection::new(admitted, services.clone()), presence))
}

/// Reads until CONNECT.
async fn first_packet(stream: &mut TlsStream<TcpStream>, session: &mut Session) -> Result<Connect, Ended> {
    let mut buffer = vec![0; READ_BYTES];
    loop {
        let count = stream.read(&mut buffer).await.map_err(Ended::Lost)?;
        if count == 0 {
            return Err(Ended::Disconnected);
        }
        let output = session.received(&buffer[..count]);
        match output.heard.into_iter().next() {
            Some(Heard::Connect(connect)) => return Ok(connect),
            Some(_) => return Err(Ended::Protocol),
            None if output.close => {
                write(stream, &output.send).await?;
                return Err(Ended::Protocol);
            }
            None => {}
        }
    }
}

/// The kitchens of the gateway and a slot for it, if it may come in.
async fn judge_connect(
    gateway: &GatewayId,
    connect: &Connect,
    services: &Services,
) -> Result<(Vec<KitchenId>, Slot), (Refusal, &'static str)> {
    if !policy::is_itself(gateway, &connect.client_id) {
        return Err((Refusal::NotItself, "the client id is not the certificate's name"));
    }
    let kitchens = services.kitchens(gateway).await.map_err(|error| {
        tracing::error!(gateway.id = %gateway, %error, "cannot look up a gateway");
        (Refusal::Unavailable, "the registry cannot be read")
    })?;
    let kitchens = kitchens.ok_or((Refusal::NotAuthorized, "the gateway is not registered"))?;
    let will_topic = connect.will.as_ref().map(|(topic, _)| topic);
    match will_topic {
        Some(topic) if policy::may_publish(gateway, &kitchens, topic).is_none() => {
            return Err((Refusal::NotAuthorized, "its last will is for a topic that is not its own"));
        }
        Some(_) | None => {}
    }
    let slot = services.slots.inside().ok_or((Refusal::Unavailable, "every slot is taken"))?;
    Ok((kitchens, slot))
}
