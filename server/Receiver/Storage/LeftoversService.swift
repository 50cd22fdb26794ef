import ServiceLifecycle

/// Sweeps a storage without resumable uploads while the server runs: see ``Storage/removeLeftovers()``.
struct LeftoversService: Service {
    private static let interval = Duration.seconds(60)

    let storage: any Storage

    func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                // If it fails, the next one may succeed.
                try? await storage.removeLeftovers()
                guard (try? await Task.sleep(for: Self.interval)) != nil else { return }
            }
        }
    }
}
