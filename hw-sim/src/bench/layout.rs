//! What the bench runs, and the files it is run from: one directory, one kitchen, one agent, one cloud.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::process::Command;

use super::files::{self, Ports};
use super::process::{Process, Role, Run};

/// The gateway's id, and the CN of its certificate.
pub const GATEWAY: &str = "gw-demo";
/// The kitchen's id.
pub const KITCHEN: &str = "kitchen-demo";
/// The customer's id.
pub const CUSTOMER: &str = "cust-demo";
/// The user's login.
pub const EMAIL: &str = "chef@demo.example";

/// What to run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The sensors of the one kitchen.
    pub sensors: Vec<SensorPlan>,
    /// How often each is polled, in device time.
    pub interval: Duration,
    /// Divides every device time; 1 except in tests.
    pub speed: f64,
    /// The port of an external broker on 127.0.0.1 instead of the cloud's own endpoint.
    pub broker_port: Option<u16>,
}

/// One sensor to run.
#[derive(Clone, Debug)]
pub struct SensorPlan {
    /// The measuring point's id.
    pub device_id: String,
    /// What people call it.
    pub location: String,
    /// The simulator's thermal model.
    pub unit: String,
    /// The simulator's seed.
    pub seed: u64,
    /// The customer's alert thresholds in °C.
    pub limits: (f64, f64),
    /// When the door stands open, in seconds after start.
    pub door_open: Option<(u32, u32)>,
}

impl Plan {
    /// So many fridges, polled that often, in real time.
    pub fn fridges(count: u64, interval: Duration) -> Self {
        let fridge = |number: u64| SensorPlan {
            device_id: format!("fridge-{number}"),
            location: format!("Fridge {number}"),
            unit: "walk-in-fridge".to_owned(),
            seed: number,
            limits: (0.0, 8.0),
            door_open: None,
        };
        Self { sensors: (1..=count).map(fridge).collect(), interval, speed: 1.0, broker_port: None }
    }

    /// The demo: a walk-in fridge whose door is left open for a while, and a freezer.
    pub fn demo() -> Self {
        let fridge = SensorPlan {
            device_id: "walk-in-fridge".to_owned(),
            location: "Walk-in Fridge".to_owned(),
            unit: "walk-in-fridge".to_owned(),
            seed: 7,
            limits: (0.0, 8.0),
            door_open: Some((45, 160)),
        };
        let freezer = SensorPlan {
            device_id: "freezer".to_owned(),
            location: "Freezer".to_owned(),
            unit: "freezer".to_owned(),
            seed: 8,
            limits: (-30.0, -12.0),
            door_open: None,
        };
        Self { sensors: vec![fridge, freezer], interval: Duration::from_secs(15), speed: 1.0, broker_port: None }
    }
}

/// A prepared directory: configurations, certificates, an empty store with tenant, user, kitchen, gateway and sensors.
#[derive(Debug)]
pub struct Layout {
    exe: PathBuf,
    dir: PathBuf,
    plan: Plan,
    password: String,
    ports: Ports,
}

/// Why the bench could not be prepared.
#[derive(Debug, thiserror::Error)]
pub enum LayoutError {
    /// A file or socket of the bench.
    #[error("cannot prepare `{what}`: {source}")]
    Io {
        /// Which.
        what: String,
        /// Why.
        source: std::io::Error,
    },
    /// A preparing command of the cloud failed.
    #[error("`kitchen-cloud {command}` failed:\n{output}")]
    Command {
        /// Its arguments.
        command: String,
        /// What it said.
        output: String,
    },
}

impl Layout {
    /// Prepares `dir`, which must not hold an earlier run, for `plan`; `exe` is an executable that calls
    /// [`super::process::hidden_main`] first.
    ///
    /// # Errors
    /// A file, a socket or a preparing command failed.
    pub async fn prepare(exe: &Path, dir: &Path, plan: Plan) -> Result<Self, LayoutError> {
        std::fs::create_dir_all(dir).map_err(|source| io(dir.display(), source))?;
        let password = format!("demo-{:012x}", rand::random::<u64>() >> 16);
        let ports = Ports { endpoint: free_port()?, api: free_port()?, metrics: free_port()? };
        let layout = Self { exe: exe.to_owned(), dir: dir.to_owned(), plan, password, ports };
        let mqtt_port = layout.plan.broker_port.unwrap_or(ports.endpoint);
        layout.write("cloud.toml", &files::cloud_toml(ports, layout.plan.broker_port))?;
        layout.write("seed.toml", &files::seed_toml(&layout.plan, &layout.password))?;
        layout.write("agent.toml", &files::agent_toml(&layout.plan, &layout.dir, mqtt_port))?;
        layout.cloud_command(&["pki", "init"]).await?;
        layout.cloud_command(&["pki", "gateway", GATEWAY]).await?;
        layout.cloud_command(&["seed", "seed.toml"]).await?;
        Ok(layout)
    }

    /// The directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// What is run.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The user's password, drawn for this run.
    pub fn password(&self) -> &str {
        &self.password
    }

    /// The API's origin, such as `http://127.0.0.1:41234`.
    pub fn origin(&self) -> String {
        format!("http://127.0.0.1:{}", self.ports.api)
    }

    /// The API's base, with version.
    pub fn api_base(&self) -> String {
        format!("{}/smartkitchen/v1", self.origin())
    }

    /// The cloud's gateway endpoint on 127.0.0.1.
    pub fn endpoint_port(&self) -> u16 {
        self.ports.endpoint
    }

    /// The cloud's metrics, as an address to read.
    pub fn metrics_url(&self) -> String {
        format!("http://127.0.0.1:{}/metrics", self.ports.metrics)
    }

    /// Where a sensor's serial port appears.
    pub fn port_link(&self, index: usize) -> PathBuf {
        self.dir.join(format!("tty-{}", self.plan.sensors[index].device_id))
    }

    /// Starts the cloud.
    ///
    /// # Errors
    /// The process cannot be started.
    pub fn start_cloud(&self) -> Result<Process, LayoutError> {
        self.start(Role::Cloud, "cloud", &["--config", "cloud.toml", "serve"].map(str::to_owned))
    }

    /// Starts the agent.
    ///
    /// # Errors
    /// The process cannot be started.
    pub fn start_agent(&self) -> Result<Process, LayoutError> {
        self.start(Role::Agent, "agent", &["--config", "agent.toml", "run"].map(str::to_owned))
    }

    /// Starts another build of the agent, with what its environment needs.
    ///
    /// # Errors
    /// The process cannot be started.
    pub fn start_agent_of(&self, binary: &Path, envs: &[(String, String)]) -> Result<Process, LayoutError> {
        let args = ["--config", "agent.toml", "run"].map(str::to_owned);
        let run = Run { name: Role::Agent.program(), dir: &self.dir, args: &args, envs };
        Process::start_program(binary, run).map_err(|source| io("agent", source))
    }

    /// Starts one of the plan's sensors.
    ///
    /// # Errors
    /// The process cannot be started.
    pub fn start_sensor(&self, index: usize) -> Result<Process, LayoutError> {
        let sensor = &self.plan.sensors[index];
        let link = self.port_link(index).display().to_string();
        let (seed, speed) = (sensor.seed.to_string(), self.plan.speed.to_string());
        let mut args: Vec<String> = ["run", "--link", &link, "--profile", "nb-1.1", "--seed", &seed]
            .into_iter()
            .chain(["--unit", &sensor.unit, "--speed", &speed])
            .map(str::to_owned)
            .collect();
        if let Some((from, to)) = sensor.door_open {
            args.extend(["--door-open".to_owned(), format!("{from}..{to}")]);
        }
        self.start(Role::Sensor, &format!("sensor-{}", sensor.device_id), &args)
    }

    fn start(&self, role: Role, name: &str, args: &[String]) -> Result<Process, LayoutError> {
        let envs = [("KITCHEN_TEST_SPEED".to_owned(), self.plan.speed.to_string())];
        let envs = if role == Role::Agent && self.plan.speed > 1.0 { &envs[..] } else { &[] };
        Process::start(&self.exe, role, Run { name, dir: &self.dir, args, envs }).map_err(|source| io(name, source))
    }

    /// Runs a preparing command of the cloud and gives its standard output.
    ///
    /// # Errors
    /// It cannot be started or does not end with 0.
    pub async fn cloud_command(&self, args: &[&str]) -> Result<String, LayoutError> {
        let output = Command::new(&self.exe)
            .args(["__cloud", "--config", "cloud.toml"])
            .args(args)
            .current_dir(&self.dir)
            .stdin(std::process::Stdio::piped())
            .output()
            .await
            .map_err(|source| io("kitchen-cloud", source))?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let output = String::from_utf8_lossy(&output.stderr).into_owned();
        Err(LayoutError::Command { command: args.join(" "), output })
    }

    fn write(&self, name: &str, text: &str) -> Result<(), LayoutError> {
        std::fs::write(self.dir.join(name), text).map_err(|source| io(name, source))
    }
}

fn io(what: impl ToString, source: std::io::Error) -> LayoutError {
    LayoutError::Io { what: what.to_string(), source }
}

/// A port that is free now. It could be taken before it is used; then the program that wants it says so.
///
/// # Errors
/// No port is free.
pub fn free_port() -> Result<u16, LayoutError> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).map_err(|source| io("a free port", source))?;
    listener.local_addr().map(|address| address.port()).map_err(|source| io("a free port", source))
}
