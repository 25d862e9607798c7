// A guest book in Go, standard library only: one line per entry in a file of the instance's own directory.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

type entry struct {
	Name string `json:"name"`
}

type book struct {
	mu      sync.Mutex
	file    *os.File
	entries []entry
}

func main() {
	dir := getenv("DATA_DIR", ".")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		log.Fatal(err)
	}
	b, err := open(filepath.Join(dir, "entries.jsonl"))
	if err != nil {
		log.Fatal(err)
	}
	defer b.file.Close()

	mux := http.NewServeMux()
	mux.HandleFunc("/health", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, map[string]string{"status": "ok"})
	})
	mux.HandleFunc("/entries", b.serve)
	server := &http.Server{
		Addr:              net.JoinHostPort("127.0.0.1", getenv("PORT", "8000")),
		Handler:           mux,
		ReadHeaderTimeout: 10 * time.Second,
	}

	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	closed := make(chan struct{})
	go func() {
		<-ctx.Done()
		grace, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = server.Shutdown(grace)
		close(closed)
	}()
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		log.Fatal(err)
	}
	<-closed
}

func open(path string) (*book, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	b := &book{file: file, entries: []entry{}}
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		var e entry
		if json.Unmarshal(lines.Bytes(), &e) == nil {
			b.entries = append(b.entries, e)
		}
	}
	return b, lines.Err()
}

func (b *book) serve(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch r.Method {
	case http.MethodGet:
		answer(w, http.StatusOK, map[string]any{"instance": os.Getenv("TENEMENT_INSTANCE"), "entries": b.entries})
	case http.MethodPost:
		var e entry
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 4096)).Decode(&e); err != nil || e.Name == "" {
			answer(w, http.StatusBadRequest, map[string]string{"error": `the body must be JSON like {"name": "Ada"}`})
			return
		}
		line, _ := json.Marshal(e)
		if _, err := b.file.Write(append(line, '\n')); err != nil {
			log.Print(err)
			answer(w, http.StatusInternalServerError, map[string]string{"error": "could not save"})
			return
		}
		b.entries = append(b.entries, e)
		answer(w, http.StatusCreated, e)
	default:
		answer(w, http.StatusMethodNotAllowed, map[string]string{"error": "GET or POST"})
	}
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

func getenv(name, fallback string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return fallback
}
