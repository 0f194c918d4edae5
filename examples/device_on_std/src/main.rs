//! The device of `examples/device` on a server: the same service that the firmware runs, with the same limits.

use core::time::Duration;
use std::process::ExitCode;

use device::{Device, simulated_millicelsius};
// Critical sections by a mutex of the standard library.
use critical_section as _;
use rws_std::{Plain, Server, Settings};

static DEVICE: Device = Device::new();

/// Readings between two comments that keep connections alive.
const READINGS_PER_BEAT: u32 = 15;

fn main() -> ExitCode {
    let options = match Options::of(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(text) => {
            eprintln!("device_on_std: {text}\nusage: device_on_std [--ip IP] [--port N] [--shards N]");
            return ExitCode::from(2);
        }
    };
    match serve(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("device_on_std: {error}");
            ExitCode::FAILURE
        }
    }
}

fn serve(options: &Options) -> std::io::Result<()> {
    let settings = Settings { limits: device::LIMITS, ..Settings::default() };
    let mut server = Server::bind((options.ip.as_str(), options.port))?.settings(settings);
    if let Some(shards) = options.shards {
        server = server.shards(shards);
    }
    println!("http://{}", server.address());
    std::thread::spawn(measure);
    server.run(Plain(device::service_with_calls(&DEVICE)))
}

/// What the sensor's task does on a board.
fn measure() {
    for reading in 1_u32.. {
        std::thread::sleep(Duration::from_secs(1));
        DEVICE.publish(simulated_millicelsius(reading));
        if reading.is_multiple_of(READINGS_PER_BEAT) {
            DEVICE.keep_alive();
        }
    }
}

struct Options {
    ip: String,
    port: u16,
    shards: Option<usize>,
}

impl Options {
    fn of(mut arguments: impl Iterator<Item = String>) -> Result<Options, String> {
        let mut options = Options { ip: "127.0.0.1".to_owned(), port: 8080, shards: None };
        while let Some(name) = arguments.next() {
            let mut value = || arguments.next().ok_or(format!("{name} needs a value"));
            match name.as_str() {
                "--ip" => options.ip = value()?,
                "--port" => options.port = number(&name, &value()?)?,
                "--shards" => options.shards = Some(number(&name, &value()?)?),
                _ => return Err(format!("unknown option {name}")),
            }
        }
        Ok(options)
    }
}

fn number<T: core::str::FromStr>(name: &str, value: &str) -> Result<T, String> {
    value.parse().map_err(|_| format!("{name} needs a number, not `{value}`"))
}
