//! Whatever is sent again, in whatever order, and wherever it crashes: each record is stored once and judged.

use std::collections::{BTreeMap, BTreeSet};

use kitchen_cloud::ingest::Judged;
use kitchen_contract::envelope::Opened;
use kitchen_contract::record::{Body, Record};
use proptest::prelude::*;

use super::bench::{Sink, ack, records};
use crate::field::{Field, Gateway, ago, enrol, reading};

/// Records per epoch; two gateways with two epochs each.
const RECORDS: u64 = 24;
const EPOCHS: [&str; 2] = ["cfirst", "csecond"];

/// One step of a history.
#[derive(Clone, Debug)]
enum Step {
    /// A range of one epoch is sent: which gateway, which epoch, from, how many.
    Send { gateway: usize, epoch: usize, from: u64, count: u64 },
    /// The same with one byte of a value changed on the way.
    Tampered { gateway: usize, epoch: usize, from: u64 },
    /// One gateway speaks for the other.
    Forged { gateway: usize, epoch: usize, from: u64 },
    /// The process dies, with deliveries under way, and starts again.
    Crash,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let place = || (0usize..2, 0usize..2, 1u64..=RECORDS);
    let step = prop_oneof![
        8 => (place(), 1u64..10).prop_map(|((gateway, epoch, from), count)| Step::Send { gateway, epoch, from, count }),
        1 => place().prop_map(|(gateway, epoch, from)| Step::Tampered { gateway, epoch, from }),
        1 => place().prop_map(|(gateway, epoch, from)| Step::Forged { gateway, epoch, from }),
        1 => Just(Step::Crash),
    ];
    prop::collection::vec(step, 1..60)
}

/// Temperatures of every record of an epoch: in range, beyond either limit, or a fault.
fn temperature(epoch: usize, seq: u64) -> f64 {
    [4.0, 9.5, 4.5, f64::NAN, -1.0, 8.0, 12.0][(seq as usize + 3 * epoch) % 7]
}

fn record(letter: &str, epoch: usize, seq: u64) -> Record {
    let age_s = 10_000 - (epoch as i64) * 5000 - (seq as i64) * 10;
    reading(seq, &format!("sensor-{letter}"), (ago(age_s), temperature(epoch, seq)))
}

struct World {
    field: Field,
    gateways: [Gateway; 2],
    /// What was acknowledged to each gateway and epoch.
    acknowledged: BTreeMap<(usize, usize), BTreeSet<u64>>,
}

const LETTERS: [&str; 2] = ["a", "b"];

impl World {
    async fn new() -> Self {
        let field = Field::new();
        let gateways = [field.gateway("gw-a"), field.gateway("gw-b")];
        let store = field.store().await;
        enrol(&store, &[&gateways[0], &gateways[1]]).await;
        store.close().await;
        Self { field, gateways, acknowledged: BTreeMap::new() }
    }

    /// The envelope of a range, signed by `signer` in the name of itself.
    fn envelope(&self, signer: usize, epoch: usize, (from, to): (u64, u64)) -> Vec<u8> {
        let letter = LETTERS[signer];
        let records = (from..=to.min(RECORDS)).map(|seq| record(letter, epoch, seq)).collect();
        self.gateways[signer].envelope(&format!("kitchen-{letter}"), EPOCHS[epoch], records)
    }

    fn payload(&self, step: &Step) -> Option<(usize, usize, Vec<u8>)> {
        match *step {
            Step::Send { gateway, epoch, from, count } => {
                Some((gateway, epoch, self.envelope(gateway, epoch, (from, from + count - 1))))
            }
            Step::Tampered { gateway, epoch, from } => {
                let text = String::from_utf8(self.envelope(gateway, epoch, (from, from))).unwrap();
                Some((gateway, epoch, text.replace("\"rawMa\":11.072", "\"rawMa\":11.073").into_bytes()))
            }
            Step::Forged { gateway, epoch, from } => {
                let other = 1 - gateway;
                let text = String::from_utf8(self.envelope(other, epoch, (from, from))).unwrap();
                let forged = text.replace(&format!("gw-{}", LETTERS[other]), &format!("gw-{}", LETTERS[gateway]));
                let letter = |index: usize| format!("\"kitchenId\":\"kitchen-{}\"", LETTERS[index]);
                Some((gateway, epoch, forged.replace(&letter(other), &letter(gateway)).into_bytes()))
            }
            Step::Crash => None,
        }
    }

    /// Plays a history, several deliveries under way at a time, then sends everything once more.
    async fn play(&mut self, steps: &[Step]) -> Sink {
        let mut sink = Sink::open(&self.field).await;
        let mut under_way = Vec::new();
        for step in steps {
            let Some((gateway, epoch, payload)) = self.payload(step) else {
                sink.crash().await;
                self.settle(&mut under_way).await;
                sink = Sink::open(&self.field).await;
                continue;
            };
            let kitchen = format!("kitchen-{}", LETTERS[gateway]);
            let outcome = sink.hand_in(records(&kitchen, payload, None)).await;
            under_way.push((gateway, epoch, matches!(step, Step::Send { .. }), outcome));
        }
        self.settle(&mut under_way).await;
        sink
    }

    async fn settle(
        &mut self,
        under_way: &mut Vec<(usize, usize, bool, tokio::sync::oneshot::Receiver<kitchen_cloud::ingest::Delivered>)>,
    ) {
        for (gateway, epoch, honest, outcome) in under_way.drain(..) {
            let Ok(delivered) = outcome.await else { continue };
            let Some((topic, payload)) = delivered.answer else { continue };
            assert!(honest, "a forged envelope was answered on {topic}");
            let ack = ack(&payload);
            assert!(ack.rejected.is_empty(), "{ack:?}");
            let seqs = ack.ranges.iter().flat_map(|(from, to)| from..=to);
            self.acknowledged.entry((gateway, epoch)).or_default().extend(seqs);
        }
    }

    /// What must hold of the store after any history.
    async fn check(&self, sink: &Sink) {
        for (gateway, letter) in LETTERS.iter().enumerate() {
            let mut stored = BTreeMap::new();
            for reading in sink.readings(&format!("sensor-{letter}")).await {
                let epoch = EPOCHS.iter().position(|epoch| *epoch == reading.epoch.as_str()).unwrap();
                assert_eq!(reading.gateway_id, self.gateways[gateway].id);
                assert_eq!(
                    reading.record,
                    record(letter, epoch, reading.record.seq),
                    "nothing tampered with is stored"
                );
                assert_eq!(reading.verdict, verdict(&reading.record), "{:?}", reading.record);
                let again = stored.insert((epoch, reading.record.seq), ());
                assert!(again.is_none(), "stored twice: {epoch} {}", reading.record.seq);
            }
            for (epoch, name) in EPOCHS.iter().enumerate() {
                let ledger = sink.ledger(&self.gateways[gateway].id, name).await;
                let seqs: BTreeSet<u64> = stored.keys().filter(|(of, _)| *of == epoch).map(|(_, seq)| *seq).collect();
                assert_eq!(ledger.iter().flat_map(|(from, to)| from..=to).collect::<BTreeSet<_>>(), seqs);
                let acknowledged = self.acknowledged.get(&(gateway, epoch)).cloned().unwrap_or_default();
                assert!(acknowledged.is_subset(&seqs), "acknowledged but not stored: {acknowledged:?} {seqs:?}");
                self.check_evidence(sink, (letter, name), &seqs).await;
            }
        }
    }

    /// Every stored record is in a signed envelope that was kept as it came.
    async fn check_evidence(&self, sink: &Sink, (letter, epoch): (&str, &str), seqs: &BTreeSet<u64>) {
        let mut kept = BTreeSet::new();
        for item in sink.of_gateway(&format!("gw-{letter}"), "ENVELOPE#").await {
            let opened = Opened::read(item.body["envelope"].as_str().unwrap().as_bytes()).unwrap();
            if opened.header().epoch.as_str() == epoch {
                kept.extend(opened.records().unwrap().into_iter().map(|received| received.seq));
            }
        }
        assert!(seqs.is_subset(&kept), "stored without its envelope: {seqs:?} {kept:?}");
    }
}

fn verdict(record: &Record) -> Judged {
    let Body::Reading(reading) = &record.body else { panic!("only readings here") };
    match reading.value.map(kitchen_contract::unit::Quantity::get) {
        Ok(number) if number > 8.0 => Judged::High,
        Ok(number) if number < 0.0 => Judged::Low,
        Ok(_) => Judged::InRange,
        Err(_) => Judged::Fault,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn any_history_stores_each_record_once_and_judges_it(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut world = World::new().await;
            let sink = world.play(&steps).await;
            world.check(&sink).await;
            sink.stop().await;
            let everything: Vec<Step> = (0..2)
                .flat_map(|gateway| (0..2).map(move |epoch| Step::Send { gateway, epoch, from: 1, count: RECORDS }))
                .collect();
            let sink = world.play(&everything).await;
            world.check(&sink).await;
            for gateway in 0..2 {
                for epoch in 0..2 {
                    assert_eq!(world.acknowledged[&(gateway, epoch)].len() as u64, RECORDS);
                }
            }
            sink.stop().await;
        });
    }
}

#[tokio::test]
async fn what_is_stored_is_acknowledged_again_and_not_written_again() {
    let world = World::new().await;
    let payload = world.envelope(0, 0, (1, RECORDS));
    let sink = Sink::open(&world.field).await;
    let first = sink.send("kitchen-a", payload.clone()).await.unwrap();
    let (readings, alerts) = (sink.readings("sensor-a").await, sink.alerts("kitchen-a").await);
    assert_eq!(readings.len() as u64, RECORDS);
    assert!(!alerts.is_empty());
    sink.stop().await;
    let sink = Sink::open_at(&world.field, ago(-3600)).await;
    for _ in 0..3 {
        assert_eq!(sink.send("kitchen-a", payload.clone()).await.unwrap().ranges, first.ranges);
    }
    assert_eq!(sink.readings("sensor-a").await, readings, "not even the time of receiving has changed");
    assert_eq!(sink.alerts("kitchen-a").await, alerts);
    assert_eq!(sink.of_gateway("gw-a", "ENVELOPE#").await.len(), 1);
}
