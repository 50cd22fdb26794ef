/// What all requests of a client have in common, in one place: to hand it on is to count one reference more.
final class ClientSettings: Sendable {
    let method: Client.Method
    let configuration: Client.Configuration

    init(_ method: Client.Method, _ configuration: Client.Configuration) {
        self.method = method
        self.configuration = configuration
    }
}
