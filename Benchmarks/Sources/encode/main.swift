// Measures the parallel encoder without a network: `encode FILE LEVEL ROUNDS`. Encodes the file from memory with one
// worker and with two, alternately, and prints the medians.

import ContentCoding
import Foundation

guard CommandLine.arguments.count == 4, let level = Int(CommandLine.arguments[2]),
    let rounds = Int(CommandLine.arguments[3])
else {
    print("usage: encode FILE LEVEL ROUNDS")
    exit(2)
}
let content = try Data(contentsOf: URL(fileURLWithPath: CommandLine.arguments[1]))

/// Returns the duration and the length of the encoded data.
func encode(workers: Int) -> (seconds: Double, bytes: Int) {
    let ready = DispatchSemaphore(value: 0)
    var encoder = ParallelEncoder(
        DeflateBlockCoder(.gzip, level: level),
        workers: workers,
        execute: { work in Task.detached { work() } },
        onEncoded: { ready.signal() }
    )
    var buffer = [UInt8](repeating: 0, count: 512 << 10)
    var offset = 0
    var bytes = 0
    let start = ContinuousClock.now
    while !encoder.isAtEnd {
        filling: while offset < content.count {
            let outcome = encoder.fill { room in
                let count = min(room.count, content.count - offset)
                content.copyBytes(to: room, from: offset..<(offset + count))
                offset += count
                return count
            }
            switch outcome {
            case .filled: continue
            case .full, .sourceIsDry: break filling
            }
        }
        if offset == content.count { encoder.finish() }
        let count = buffer.withUnsafeMutableBytes { encoder.read(into: $0) }
        bytes += count
        if count == 0, !encoder.isAtEnd { ready.wait() }
    }
    return ((ContinuousClock.now - start) / .seconds(1), bytes)
}

func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }

var seconds: [Int: [Double]] = [1: [], 2: []]
var bytes = 0
for _ in 0..<rounds {
    for workers in [1, 2] {
        let result = encode(workers: workers)
        seconds[workers]?.append(result.seconds)
        bytes = result.bytes
    }
}
let (one, two) = (median(seconds[1] ?? []), median(seconds[2] ?? []))
func line(_ name: String, _ seconds: Double) -> String {
    String(format: "%@ %7.3f s %6.0f MB/s", name, seconds, Double(content.count) / 1e6 / seconds)
}
print("level \(level), \(content.count) bytes to \(bytes), medians of \(rounds) rounds")
print(line("1 worker ", one))
print(line("2 workers", two))
print(String(format: "ratio     %7.2f", one / two))
