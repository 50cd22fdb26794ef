// Go's net/http, mime/multipart and compress as a server for tests: over TLS with HTTP/2, over TLS without,
// and in the clear, with HTTP/2 in the clear if golang.org/x/net is installed.
//
//	server [-cert FILE -key FILE [-http1] [-clientca FILE]] [-unix PATH] [-listen ADDRESS] [-proxy PASSWORD]
//
// Prints its address. What it does is in the path of the URL.
package main

import (
	"compress/gzip"
	"compress/zlib"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync/atomic"
	"time"
)

type part struct {
	Name     string `json:"name"`
	Filename string `json:"filename"`
	Size     int64  `json:"size"`
	SHA256   string `json:"sha256"`
}

type answer struct {
	Parts  []part      `json:"parts"`
	Remote string      `json:"remote"`
	Proto  string      `json:"proto"`
	Length int64       `json:"length"`
	Client string      `json:"client"`
	Header http.Header `json:"header"`
	Host   string      `json:"host"`
}

type connectionKey struct{}

// Reads on, slowly where it is to be slow.
type slowReader struct {
	io.Reader
	pause time.Duration
}

func (r slowReader) Read(p []byte) (int, error) {
	time.Sleep(r.pause)
	if len(p) > 65536 {
		p = p[:65536]
	}
	return r.Reader.Read(p)
}

// The body without its content coding. Reading it to its end checks its checksum.
func decoded(r *http.Request) (io.ReadCloser, error) {
	switch r.Header.Get("Content-Encoding") {
	case "gzip":
		return gzip.NewReader(r.Body)
	case "deflate":
		return zlib.NewReader(r.Body)
	default:
		return r.Body, nil
	}
}

func receive(w http.ResponseWriter, r *http.Request) {
	body, err := decoded(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	r.Body = body
	result := answer{
		Remote: r.RemoteAddr, Proto: r.Proto, Length: r.ContentLength, Header: r.Header, Host: r.Host, Parts: []part{},
	}
	if r.TLS != nil && len(r.TLS.PeerCertificates) > 0 {
		result.Client = r.TLS.PeerCertificates[0].Subject.CommonName
	}
	if reader, err := r.MultipartReader(); err == nil {
		for {
			p, err := reader.NextPart()
			if err == io.EOF {
				break
			}
			if err != nil {
				http.Error(w, err.Error(), http.StatusBadRequest)
				return
			}
			hash := sha256.New()
			size, err := io.Copy(hash, p)
			if err != nil {
				http.Error(w, err.Error(), http.StatusBadRequest)
				return
			}
			result.Parts = append(result.Parts, part{p.FormName(), p.FileName(), size, hex.EncodeToString(hash.Sum(nil))})
		}
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
	} else {
		hash := sha256.New()
		size, err := io.Copy(hash, r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		result.Parts = append(result.Parts, part{"", "", size, hex.EncodeToString(hash.Sum(nil))})
	}
	w.WriteHeader(http.StatusCreated)
	json.NewEncoder(w).Encode(result)
}

func handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/", receive)
	// A server whose idle time was over when the request came: the first request ends its connection without an
	// answer, the next one is redirected.
	var dead atomic.Bool
	mux.HandleFunc("/dead", func(w http.ResponseWriter, r *http.Request) {
		if dead.CompareAndSwap(false, true) {
			connection, _, _ := w.(http.Hijacker).Hijack()
			connection.Close()
			return
		}
		http.Redirect(w, r, "/", http.StatusTemporaryRedirect)
	})
	mux.HandleFunc("/discard", func(w http.ResponseWriter, r *http.Request) {
		count, _ := io.Copy(io.Discard, r.Body)
		fmt.Fprint(w, count)
	})
	// Answers without reading, and has the rest reset or closed.
	mux.HandleFunc("/refuse", func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusRequestEntityTooLarge)
		io.WriteString(w, "too large")
	})
	mux.HandleFunc("/refuse-later", func(w http.ResponseWriter, r *http.Request) {
		io.CopyN(io.Discard, r.Body, 1<<20)
		w.WriteHeader(http.StatusRequestEntityTooLarge)
		io.WriteString(w, "too large")
	})
	mux.HandleFunc("/accept", func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusAccepted)
		io.WriteString(w, "never mind")
	})
	// A stream error, or with HTTP/1.1 the connection's end, after some of the body.
	mux.HandleFunc("/abort", func(w http.ResponseWriter, r *http.Request) {
		io.CopyN(io.Discard, r.Body, 100)
		panic(http.ErrAbortHandler)
	})
	// The end of the whole connection, after some of the body.
	mux.HandleFunc("/die", func(w http.ResponseWriter, r *http.Request) {
		io.CopyN(io.Discard, r.Body, 100)
		r.Context().Value(connectionKey{}).(net.Conn).Close()
	})
	// HTTP/2 makes a GOAWAY of it.
	mux.HandleFunc("/goaway", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "close")
		receive(w, r)
	})
	mux.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(200)
		w.(http.Flusher).Flush()
		buffer := make([]byte, 32<<10)
		for {
			n, err := r.Body.Read(buffer)
			w.Write(buffer[:n])
			w.(http.Flusher).Flush()
			if err != nil {
				return
			}
		}
	})
	// Ends its response while the request goes on.
	mux.HandleFunc("/hello", func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "hello")
	})
	mux.HandleFunc("/slow", func(w http.ResponseWriter, r *http.Request) {
		r.Body = io.NopCloser(slowReader{r.Body, 2 * time.Millisecond})
		receive(w, r)
	})
	mux.HandleFunc("/content", func(w http.ResponseWriter, r *http.Request) {
		size, _ := strconv.Atoi(r.URL.Query().Get("size"))
		block := make([]byte, 65536)
		for i := range block {
			block[i] = byte(i * 7 >> 3)
		}
		w.Header().Set("Content-Length", strconv.Itoa(size))
		for size > 0 {
			n := len(block)
			if size < n {
				n = size
			}
			if _, err := w.Write(block[:n]); err != nil {
				return
			}
			size -= n
		}
	})
	mux.HandleFunc("/cookie", func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "session", Value: "s3same", Path: "/"})
		receive(w, r)
	})
	return mux
}

// A proxy for CONNECT, with that password for the user "user".
func tunnel(password string) http.Handler {
	expected := "Basic " + base64.StdEncoding.EncodeToString([]byte("user:"+password))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodConnect {
			http.Error(w, "no CONNECT", http.StatusMethodNotAllowed)
			return
		}
		if r.Header.Get("Proxy-Authorization") != expected {
			w.Header().Set("Proxy-Authenticate", `Basic realm="proxy"`)
			http.Error(w, "who?", http.StatusProxyAuthRequired)
			return
		}
		server, err := net.Dial("tcp", r.Host)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		client, buffered, err := w.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		io.WriteString(client, "HTTP/1.1 200 Connected\r\n\r\n")
		go func() {
			io.Copy(client, server)
			client.Close()
		}()
		io.Copy(server, buffered)
		server.Close()
	})
}

func main() {
	cert := flag.String("cert", "", "")
	key := flag.String("key", "", "")
	http1 := flag.Bool("http1", false, "")
	clientCA := flag.String("clientca", "", "")
	unix := flag.String("unix", "", "")
	listen := flag.String("listen", "127.0.0.1:0", "")
	proxy := flag.String("proxy", "", "")
	flag.Parse()
	// Where the tests are killed, nobody else ends it.
	time.AfterFunc(180*time.Second, func() { os.Exit(0) })
	network, address := "tcp", *listen
	if *unix != "" {
		network, address = "unix", *unix
	}
	listener, err := net.Listen(network, address)
	if err != nil {
		log.Fatal(err)
	}
	server := &http.Server{
		Handler: inTheClear(handler()),
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, connectionKey{}, c)
		},
	}
	if *cert == "" {
		fmt.Printf("http://%s/\n", listener.Addr())
		log.Fatal(server.Serve(listener))
	}
	server.Handler = handler()
	if *proxy != "" {
		server.Handler = tunnel(*proxy)
	}
	server.TLSConfig = &tls.Config{}
	if *clientCA != "" {
		pem, err := os.ReadFile(*clientCA)
		if err != nil {
			log.Fatal(err)
		}
		server.TLSConfig.ClientCAs = x509.NewCertPool()
		server.TLSConfig.ClientCAs.AppendCertsFromPEM(pem)
		server.TLSConfig.ClientAuth = tls.RequireAndVerifyClientCert
	}
	if *http1 {
		server.TLSNextProto = map[string]func(*http.Server, *tls.Conn, http.Handler){}
	}
	fmt.Printf("https://%s/\n", listener.Addr())
	log.Fatal(server.ServeTLS(listener, *cert, *key))
}
