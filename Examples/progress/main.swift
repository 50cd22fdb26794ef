// Sends a file and shows the progress; Ctrl-C cancels: `progress URL FILE`.
import Dispatch
import Foundation
import HTTPStreaming

guard CommandLine.arguments.count == 3 else { fatalError("usage: progress URL FILE") }
let client = try Client(.post, CommandLine.arguments[1])

signal(SIGINT, SIG_IGN)
let interrupt = DispatchSource.makeSignalSource(signal: SIGINT, queue: .main)
interrupt.setEventHandler { client.cancel() }
interrupt.activate()

do {
    let response = try await client.send(.file(CommandLine.arguments[2])) { progress in
        print("\(Int((progress.fractionCompleted ?? 0) * 100)) %")
    }
    print(try await response.requireSuccess().text(), terminator: "")
} catch ClientError.Code.cancelled {
    print("cancelled")
    exit(130)
}
