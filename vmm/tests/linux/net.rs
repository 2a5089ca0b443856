//! Programs that talk to servers, on this Linux over Unix sockets. What they print there is what a scenario expects of the guest, which
//! talks over vsock.

use std::path::{Path, PathBuf};
use std::time::Duration;

use vmm::linux_reference::run_program;
use vmm::scenario::{Operation, OperationStep, ServerPlace, Step};
use warehouse_server::{Address, Options, Server, Text};

/// Longer than a busy machine can delay anything.
const TIMEOUT: Duration = Duration::from_secs(3600);

#[test]
fn streams_do_the_same_over_unix_sockets_as_a_scenario_expects_of_vsock() {
    let image = crate::image::shipped();
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios/net/vsock.json");
    let scenario = crate::shipped::read(&file, &image);
    let folder = tempfile::tempdir().unwrap();
    let mut servers = Vec::new();
    let mut args = Vec::new();
    for (port, place) in &scenario.guest.vsock {
        let ServerPlace::Warehouse(warehouse) = place else {
            panic!("the scenario starts its servers");
        };
        let path: PathBuf = folder.path().join(port.to_string());
        args.push(format!("unix:{}", path.display()));
        let options = Options {
            fault: warehouse.fault.map(Into::into),
            ..Options::default()
        };
        let text = Text::generated(warehouse.pages).unwrap();
        servers.push(Server::start(&Address::Unix(path), text, options).unwrap());
    }
    let Some(Step::Operation(OperationStep {
        operation:
            Operation::Exec {
                program,
                output: Some(output),
                ..
            },
        ..
    })) = scenario.steps.first()
    else {
        panic!("the scenario runs a program");
    };
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let run = run_program(&crate::image::program(program), &args, TIMEOUT).unwrap();
    assert_eq!(String::from_utf8(run.stdout).unwrap(), *output);
    assert_eq!(run.status, 0);
}
