import Foundation
import TestSupport
import Testing

@testable import Receiver

@Suite(
    "HTTP/2, with Python's h2", .timeLimit(.minutes(4)),
    .enabled("no Python with h2: the reason is printed") { await PythonEnvironment.shared.isAvailable(with: ["h2"]) })
struct ServerHTTP2Tests {
    private static let library = """
        import socket, ssl, sys, time
        import h2.config, h2.connection, h2.events, h2.settings
        port, authority = int(sys.argv[1]), sys.argv[2]
        class Connection:
            def __init__(self, window=65535):
                context = ssl.create_default_context(cafile=authority)
                context.set_alpn_protocols(["h2"])
                self.socket = context.wrap_socket(socket.create_connection(("localhost", port)), server_hostname="localhost")
                self.socket.settimeout(30)
                self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(
                    client_side=True, validate_outbound_headers=False, normalize_outbound_headers=False))
                self.h2.local_settings = h2.settings.Settings(
                    client=True, initial_values={h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: window})
                self.h2.initiate_connection()
                self.flush()
                self.events = []
            def flush(self):
                self.socket.sendall(self.h2.data_to_send())
            def request(self, method, path, fields=(), end=True):
                stream = self.h2.get_next_available_stream_id()
                pseudo = [(":method", method), (":path", path), (":scheme", "https"), (":authority", "localhost")]
                self.h2.send_headers(stream, pseudo + list(fields), end_stream=end)
                self.flush()
                return stream
            def wait(self, kind, stream=None):
                while True:
                    for event in self.events:
                        if isinstance(event, kind) and stream in (None, getattr(event, "stream_id", None)):
                            self.events.remove(event)
                            return event
                    data = self.socket.recv(65536)
                    if not data:
                        raise EOFError(f"before {kind.__name__}; {self.events}")
                    self.events += self.h2.receive_data(data)
                    self.flush()

        """

    /// Runs a Python script with a server that has short timeouts.
    private func run(stall: Duration = .seconds(2), _ script: String) async throws -> String {
        let python = try await PythonEnvironment.shared.interpreter(with: ["h2"])
        let certificates = try await Certificates.shared
        return try await RunningServer.with(configure: {
            $0.tls = .init(certificate: certificates.certificate("server"), key: certificates.key("server"))
            $0.connections.stall = stall
            $0.connections.lingering.duration = .seconds(1)
        }) { server in
            let result = try await Subprocess.run(
                python, ["-c", Self.library + script, "\(server.port)", certificates.authority])
            #expect(result.status == 0, "\(result.errorOutput)")
            return result.output
        }
    }

    @Test("an error of one stream does not affect the others (RFC 9113 §5.4.2)") func streamError() async throws {
        let output = try await run(
            """
            connection = Connection()
            upload = connection.request("PUT", "/good", end=False)
            connection.h2.send_data(upload, b"x" * 1000)
            for fields, data in [([("connection", "close")], None), ([("content-length", "10")], b"abc"), ([("A b", "c")], None)]:
                stream = connection.request("PUT", "/bad", fields, end=data is None)
                if data:
                    connection.h2.send_data(stream, data, end_stream=True)
                    connection.flush()
                print(connection.wait(h2.events.StreamReset, stream).error_code.name)
            connection.h2.send_data(upload, b"y" * 1000, end_stream=True)
            connection.flush()
            print(dict(connection.wait(h2.events.ResponseReceived, upload).headers)[b":status"].decode())
            """)
        #expect(output == "PROTOCOL_ERROR\nPROTOCOL_ERROR\nPROTOCOL_ERROR\n201\n")
    }

    @Test("a Content-Length that is not a number, or not one number, is refused") func contentLength() async throws {
        let output = try await run(
            """
            connection = Connection()
            for values in [["+5"], ["-0"], ["5, 5"], ["5", "5"], ["5", "6"], ["0x5"], [""], ["9" * 30], ["05"], ["5"]]:
                stream = connection.request("PUT", "/x", [("content-length", value) for value in values], end=False)
                connection.h2.send_data(stream, b"" if values == ["-0"] else b"abcde", end_stream=True)
                connection.flush()
                while True:
                    events = [event for event in connection.events if getattr(event, "stream_id", None) == stream]
                    answer = [event for event in events if isinstance(event, h2.events.ResponseReceived)]
                    reset = [event for event in events if isinstance(event, h2.events.StreamReset)]
                    if answer or reset:
                        break
                    connection.events += connection.h2.receive_data(connection.socket.recv(65536))
                    connection.flush()
                print(dict(answer[0].headers)[b":status"].decode() if answer else reset[0].error_code.name)
            """)
        #expect(
            output.split(separator: "\n").dropLast(2).allSatisfy { ["400", "PROTOCOL_ERROR"].contains($0) }, "\(output)"
        )
        #expect(output.hasSuffix("\n201\n200\n"))
    }

    @Test("a digest may follow as a trailer") func trailer() async throws {
        let output = try await run(
            """
            import base64, hashlib
            connection = Connection()
            for sent in [b"abc", b"other"]:
                stream = connection.request("PUT", "/x", [("trailer", "repr-digest")], end=False)
                connection.h2.send_data(stream, b"abc")
                digest = base64.b64encode(hashlib.sha512(sent).digest()).decode()
                connection.h2.send_headers(stream, [("repr-digest", f"sha-512=:{digest}:")], end_stream=True)
                connection.flush()
                print(dict(connection.wait(h2.events.ResponseReceived, stream).headers)[b":status"].decode())
                print("verified" in connection.wait(h2.events.DataReceived, stream).data.decode())
            """)
        #expect(output == "201\nTrue\n400\nFalse\n")
    }

    @Test("a stream whose response is not read is reset, even if the response is short")
    func unreadResponse() async throws {
        let output = try await run(
            """
            connection = Connection(window=0)
            for path in ["/health", "/count/1000?interval=0", "/count/inf?interval=0"]:
                stream = connection.request("GET", path)
                connection.wait(h2.events.ResponseReceived, stream)
                connection.wait(h2.events.StreamReset, stream)
                print("reset")
            stream = connection.request("GET", "/health")
            connection.wait(h2.events.ResponseReceived, stream)
            connection.h2.increment_flow_control_window(100, stream)
            connection.flush()
            print(connection.wait(h2.events.DataReceived, stream).data.decode(), end="")
            connection.wait(h2.events.StreamEnded, stream)
            """)
        #expect(output == "reset\nreset\nreset\n{\"status\":\"ok\"}\n")
    }

    @Test("a stream is reset if the client has large windows but does not read from its connection")
    func unreadConnection() async throws {
        let output = try await run(
            """
            connection = Connection(window=2**31 - 1)
            connection.h2.increment_flow_control_window(2**31 - 1 - 65535)
            connection.flush()
            stream = connection.request("GET", "/count/inf?interval=0")
            time.sleep(5)
            try:
                connection.wait(h2.events.StreamReset, stream)
            except (EOFError, ConnectionError):
                pass
            print("ended")
            """)
        #expect(output == "ended\n")
    }

    @Test("a refused stream is reset only after the whole response has been sent") func lateResponse() async throws {
        let output = try await run(
            stall: .seconds(30),
            """
            connection = Connection(window=10)
            stream = connection.request("GET", "/health", end=False)
            connection.wait(h2.events.ResponseReceived, stream)
            # Longer than the lingering time, shorter than the stall timeout.
            time.sleep(1.5)
            connection.h2.increment_flow_control_window(100, stream)
            connection.flush()
            content = b""
            while len(content) < 16:
                content += connection.wait(h2.events.DataReceived, stream).data
            print(content.decode(), end="")
            connection.wait(h2.events.StreamEnded, stream)
            print(connection.wait(h2.events.StreamReset, stream).error_code.name)
            """)
        #expect(output == "{\"status\":\"ok\"}\nNO_ERROR\n")
    }

    @Test("a connection with too many unread frames is closed; small frames that are read do no harm")
    func unreadFrames() async throws {
        let output = try await run(
            """
            connection = Connection()
            stream = connection.request("GET", "/count/inf?interval=60", end=False)
            connection.wait(h2.events.ResponseReceived, stream)
            def frame(kind, number, content):
                return len(content).to_bytes(3, "big") + bytes([kind, 0]) + number.to_bytes(4, "big") + content
            block = frame(0, stream, b"a") + frame(0xF0, 0, b"j" * 16384)
            sent = 0
            try:
                while sent < 20000:
                    connection.socket.sendall(block)
                    sent += 1
                print("everything was read")
            except (ConnectionError, ssl.SSLError, socket.timeout) as error:
                print("ended" if 2000 < sent < 6000 else f"{sent}: {error}")
            other = Connection()
            other.wait(h2.events.StreamEnded, other.request("GET", "/health"))
            # Any number of small frames is fine if they are read.
            upload = other.request("PUT", "/small", end=False)
            for number in range(10000):
                while other.h2.local_flow_control_window(upload) < 1:
                    other.wait(h2.events.WindowUpdated)
                other.h2.send_data(upload, b"z")
                other.flush()
            other.h2.end_stream(upload)
            other.flush()
            print(dict(other.wait(h2.events.ResponseReceived, upload).headers)[b":status"].decode())
            """)
        #expect(output == "ended\n201\n")
    }
}
