import Foundation

/// A certificate authority for tests and certificates of it, as PEM files, made by `openssl`.
public final class Certificates: Sendable {
    private let directory: TemporaryDirectory

    /// Made once for the process.
    ///
    /// - Throws: if `openssl` is missing.
    public static var shared: Certificates { get async throws { try await making.value } }

    private static let making = Task { try await Certificates() }

    private init() async throws {
        directory = try TemporaryDirectory()
        let made = try await Subprocess.run("sh", ["-euc", Self.script, "sh", directory.path], deadline: .seconds(60))
        guard made.status == 0 else { throw FaultError("no certificates: \(made.errorOutput)") }
        let pin = try await Subprocess.run("sh", ["-euc", Self.pinScript, "sh", directory.path("server.pem")])
        self.pin = "sha256//" + pin.output.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// The authority that signed the certificates.
    public var authority: String { directory.path("ca.pem") }
    /// Another authority, which signed none of them.
    public var otherAuthority: String { directory.path("other.pem") }
    /// Of the key of `server`.
    public let pin: String

    /// - Parameter name: `server` (for localhost, 127.0.0.1 and ::1), `elsewhere` (for another name), `expired`, `client`, or
    ///   `self-signed`, which is of no authority.
    public func certificate(_ name: String) -> String { directory.path("\(name).pem") }

    /// - Parameter name: as above, or `client-encrypted`: the key of `client`, behind ``password``.
    public func key(_ name: String) -> String { directory.path("\(name).key") }

    public let password = "pass-Phrase"

    private static let pinScript = """
        openssl x509 -in "$1" -pubkey -noout | openssl pkey -pubin -outform DER | openssl dgst -sha256 -binary | base64
        """

    private static let script = """
        cd "$1"
        exec 2>openssl.log
        trap 'cat openssl.log >&2' EXIT
        cat >ca.conf <<END
        [ca]
        default_ca = this
        [this]
        database = index
        serial = serial
        new_certs_dir = .
        certificate = ca.pem
        private_key = ca.key
        default_md = sha256
        policy = any
        unique_subject = no
        copy_extensions = none
        [any]
        commonName = supplied
        [req]
        distinguished_name = name
        [name]
        [authority]
        basicConstraints = critical, CA:TRUE
        keyUsage = critical, keyCertSign, cRLSign
        subjectKeyIdentifier = hash
        [leaf]
        basicConstraints = CA:FALSE
        subjectAltName = DNS:localhost, IP:127.0.0.1
        END
        key="-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
        : >index
        echo 1000 >serial
        for authority in ca other; do
            openssl req -config ca.conf -x509 $key -keyout $authority.key -out $authority.pem -days 30 \\
                -subj "/CN=test authority $authority" -extensions authority
        done
        openssl req -config ca.conf -x509 $key -keyout self-signed.key -out self-signed.pem -days 30 \\
            -subj /CN=self-signed -extensions leaf
        make() {
            printf 'basicConstraints = CA:FALSE\\nsubjectAltName = %s\\n' "$2" >$1.ext
            openssl req -config ca.conf $key -keyout $1.key -out $1.csr -subj "/CN=$1"
            openssl ca -batch -config ca.conf -in $1.csr -out $1.pem -notext -extfile $1.ext -startdate $3 -enddate $4
        }
        make server 'DNS:localhost, IP:127.0.0.1, IP:::1' 20200101000000Z 20490101000000Z
        make elsewhere 'DNS:elsewhere.example' 20200101000000Z 20490101000000Z
        make expired 'DNS:localhost, IP:127.0.0.1' 20200101000000Z 20210101000000Z
        make client 'email:client@example.com' 20200101000000Z 20490101000000Z
        openssl pkey -in client.key -aes256 -passout pass:pass-Phrase -out client-encrypted.key
        trap - EXIT
        """
}
