import Synchronization

/// A value shared by threads.
public final class Shared<Value: Sendable>: Sendable {
    private let mutex: Mutex<Value>
    public init(_ value: Value) { mutex = Mutex(value) }
    public var value: Value { mutex.withLock { $0 } }
    public func set(_ value: Value) { mutex.withLock { $0 = value } }
    public func append<Element>(_ element: Element) where Value == [Element] { mutex.withLock { $0.append(element) } }
    public func update(_ change: @Sendable (inout Value) -> Void) { mutex.withLock { change(&$0) } }
}

/// Tries every 10 ms whether `condition` holds, for half a minute at most.
public func eventually(_ condition: () async throws -> Bool) async throws -> Bool {
    for _ in 0..<3000 {
        if try await condition() { return true }
        try await Task.sleep(for: .milliseconds(10))
    }
    return try await condition()
}

extension AsyncStream where Element: Sendable {
    /// These elements, then the end.
    public init(of elements: [Element]) {
        self.init { continuation in
            for element in elements { continuation.yield(element) }
            continuation.finish()
        }
    }
}
