//! How many may be here at once.

use kitchen_cloud::endpoint::Capacity;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

use super::door::Door;
use super::wire::{CONNACK, Connect, GOODBYE, Peer, Version};

const BUSY: u8 = 0x88;

/// Who connects and says nothing.
async fn stranger(door: &Door) -> TcpStream {
    TcpStream::connect(door.address).await.unwrap()
}

async fn is_closed(mut stranger: TcpStream) -> bool {
    !matches!(stranger.read(&mut [0]).await, Ok(1..))
}

/// Comes until it is let in.
async fn enters_at_last(door: &Door) -> Peer {
    let connect = Connect { client_id: "gw-a", keep_alive_s: 60, will: None };
    loop {
        match door.asks(Some(&door.a.issued), &connect, Version::V5).await {
            Some((peer, answer)) if answer.body[1] == 0 => return peer,
            Some(_) | None => tokio::task::yield_now().await,
        }
    }
}

#[tokio::test]
async fn strangers_who_say_nothing_take_no_gateways_slot() {
    let door = Door::open_for(Capacity { connections: 2, admissions: 4 }).await;
    let strangers = [stranger(&door).await, stranger(&door).await, stranger(&door).await];
    let mut a = door.enter(&door.a, Version::V5).await;
    let mut b = door.enter(&door.b, Version::V5).await;
    a.is_quiet().await;
    b.is_quiet().await;
    drop(strangers);
}

#[tokio::test]
async fn the_door_takes_so_many_at_once_and_is_free_again_when_they_go() {
    let door = Door::open_for(Capacity { connections: 2, admissions: 2 }).await;
    let strangers = [stranger(&door).await, stranger(&door).await];
    assert!(is_closed(stranger(&door).await).await);
    drop(strangers);
    enters_at_last(&door).await.is_quiet().await;
}

#[tokio::test]
async fn a_full_house_lets_nobody_in_until_a_gateway_goes() {
    let door = Door::open_for(Capacity { connections: 1, admissions: 4 }).await;
    // Past TLS before the last slot is taken.
    let mut late = door.knock(Some(&door.b.issued), Version::V5).await.unwrap();
    let mut a = door.enter(&door.a, Version::V5).await;
    late.send(&Connect { client_id: "gw-b", keep_alive_s: 60, will: None }.bytes(Version::V5)).await;
    assert_eq!(late.expect(CONNACK).await.body[1], BUSY);
    late.is_closed().await;
    assert!(is_closed(stranger(&door).await).await, "it does not even begin");
    a.is_quiet().await;
    a.send(&GOODBYE).await;
    a.is_closed().await;
    enters_at_last(&door).await.is_quiet().await;
}
