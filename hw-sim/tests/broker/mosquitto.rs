//! Mosquitto on loopback: mutual TLS, identity from the certificate, the ACL that `kitchen-cloud gateway acl` prints.

use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use hw_sim::bench::Layout;

use crate::kitchen::wait_for;

/// A running broker; dropping it kills it.
pub(crate) struct Mosquitto {
    child: Child,
    config: PathBuf,
    port: u16,
}

impl Mosquitto {
    /// Writes configuration and ACL into the bench's directory and starts the broker.
    pub(crate) async fn start(layout: &Layout, port: u16) -> Self {
        let dir = layout.dir();
        std::fs::write(dir.join("acl"), layout.cloud_command(&["gateway", "acl"]).await.unwrap()).unwrap();
        let text = format!(
            "listener {port} 127.0.0.1\nuser root\ncafile {dir}/pki/ca.pem\ncertfile {dir}/pki/server.pem\n\
             keyfile {dir}/pki/server.key\nrequire_certificate true\nuse_identity_as_username true\n\
             acl_file {dir}/acl\nallow_anonymous false\npersistence false\nmessage_size_limit 131072\n\
             max_inflight_messages 100\n",
            dir = dir.display(),
        );
        let config = dir.join("mosquitto.conf");
        std::fs::write(&config, text).unwrap();
        let broker = Self { child: spawn(&config), config, port };
        broker.answers().await;
        broker
    }

    /// The port on 127.0.0.1.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Takes the ACL anew and starts again.
    pub(crate) async fn reload_acl(mut self, layout: &Layout) -> Self {
        std::fs::write(layout.dir().join("acl"), layout.cloud_command(&["gateway", "acl"]).await.unwrap()).unwrap();
        self.restart().await;
        self
    }

    /// kill -9, then a new start with nothing kept.
    pub(crate) async fn restart(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.child = spawn(&self.config);
        self.answers().await;
    }

    async fn answers(&self) {
        let port = self.port;
        wait_for("mosquitto to listen", || async move { TcpStream::connect(("127.0.0.1", port)).ok() }).await;
    }
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        let _gone_already = self.child.kill();
        let _gone_already = self.child.wait();
    }
}

fn spawn(config: &Path) -> Child {
    let log = std::fs::File::create(config.with_extension("log")).unwrap();
    let program = if Path::new("/usr/sbin/mosquitto").exists() { "/usr/sbin/mosquitto" } else { "mosquitto" };
    Command::new(program)
        .arg("-c")
        .arg(config)
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .expect("mosquitto is installed")
}

/// A command-line MQTT client with one identity of the bench's PKI.
pub(crate) struct Client<'a> {
    pub(crate) dir: &'a Path,
    pub(crate) port: u16,
    /// Name of certificate and key below `pki/`, such as `gateways/gw-demo` or `sink`.
    pub(crate) pair: &'a str,
    pub(crate) client_id: &'a str,
}

impl Client<'_> {
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        let pki = self.dir.join("pki");
        command
            .args(["-h", "localhost", "-p", &self.port.to_string(), "-i", self.client_id, "-q", "1"])
            .arg("--cafile")
            .arg(pki.join("ca.pem"))
            .arg("--cert")
            .arg(pki.join(format!("{}.pem", self.pair)))
            .arg("--key")
            .arg(pki.join(format!("{}.key", self.pair)));
        command
    }

    /// Publishes with MQTT 5, so that a refusal is told.
    pub(crate) fn publish(&self, topic: &str, message: &[u8]) -> Output {
        let file =
            self.dir.join(format!("message-{}", std::thread::current().name().unwrap_or("x").replace("::", "-")));
        std::fs::write(&file, message).unwrap();
        self.command("mosquitto_pub").args(["-V", "5", "-t", topic, "-f"]).arg(file).output().unwrap()
    }

    /// Subscribes for `seconds` and gives what arrived, or what was refused.
    pub(crate) fn subscribe(&self, filter: &str, seconds: u64) -> Output {
        let wait = seconds.to_string();
        self.command("mosquitto_sub").args(["-V", "5", "-d", "-t", filter, "-W", &wait]).output().unwrap()
    }
}

/// Everything a client said.
pub(crate) fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Long enough for a message on loopback to arrive if it is let through.
pub(crate) const LISTEN: Duration = Duration::from_secs(2);
