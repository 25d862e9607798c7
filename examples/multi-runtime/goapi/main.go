// Notes behind a bearer token, in Go with the standard library only.
package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"log"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

type note struct {
	Text string `json:"text"`
}

type api struct {
	mu    sync.Mutex
	path  string
	Token string `json:"token"`
	Notes []note `json:"notes"`
}

func main() {
	dir := os.Getenv("DATA_DIR")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		log.Fatal(err)
	}
	a, err := load(filepath.Join(dir, "notes.json"))
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/health", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, map[string]string{"status": "ok", "tenant": os.Getenv("TENEMENT_INSTANCE"), "runtime": "go"})
	})
	mux.HandleFunc("/token", func(w http.ResponseWriter, _ *http.Request) {
		// A real app would never give it away; here it lets the test script play both customers.
		answer(w, http.StatusOK, map[string]string{"token": a.Token})
	})
	mux.HandleFunc("/notes", a.serve)
	server := &http.Server{Addr: "127.0.0.1:" + os.Getenv("PORT"), Handler: mux, ReadHeaderTimeout: 10 * time.Second}

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

func load(path string) (*api, error) {
	a := &api{path: path, Notes: []note{}}
	data, err := os.ReadFile(path)
	if err == nil {
		return a, json.Unmarshal(data, a)
	}
	if !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	random := make([]byte, 32)
	if _, err := rand.Read(random); err != nil {
		return nil, err
	}
	a.Token = hex.EncodeToString(random)
	return a, a.save()
}

// save writes beside and renames, so that a crash never leaves half a file.
func (a *api) save() error {
	data, err := json.Marshal(a)
	if err != nil {
		return err
	}
	if err := os.WriteFile(a.path+".new", data, 0o600); err != nil {
		return err
	}
	return os.Rename(a.path+".new", a.path)
}

func (a *api) serve(w http.ResponseWriter, r *http.Request) {
	given := r.Header.Get("Authorization")
	if !strings.HasPrefix(given, "Bearer ") {
		answer(w, http.StatusUnauthorized, map[string]string{"error": "a bearer token is needed"})
		return
	}
	mine, theirs := sha256.Sum256([]byte(a.Token)), sha256.Sum256([]byte(strings.TrimPrefix(given, "Bearer ")))
	if subtle.ConstantTimeCompare(mine[:], theirs[:]) != 1 {
		answer(w, http.StatusForbidden, map[string]string{"error": "wrong token"})
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	switch r.Method {
	case http.MethodGet:
	case http.MethodPost:
		var n note
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 64*1024)).Decode(&n); err != nil || n.Text == "" {
			answer(w, http.StatusBadRequest, map[string]string{"error": `the body must be JSON like {"text": "buy milk"}`})
			return
		}
		a.Notes = append(a.Notes, n)
		if err := a.save(); err != nil {
			log.Print(err)
			answer(w, http.StatusInternalServerError, map[string]string{"error": "could not save"})
			return
		}
	default:
		answer(w, http.StatusMethodNotAllowed, map[string]string{"error": "GET or POST"})
		return
	}
	answer(w, http.StatusOK, map[string]any{"notes": a.Notes})
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}
